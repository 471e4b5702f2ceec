// swift-format-ignore-file

extension Golden {
  /// `--junit`.
  static let junit = ##"""
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="provium" tests="12" failures="4" errors="0" time="8.500">
      <testsuite name="boot.lua" id="0" package="" hostname="localhost" timestamp="2026-01-01T12:00:00" tests="3" failures="0" errors="0" skipped="1" time="2.900">
        <properties>
          <property name="provium.version" value="1.0.0"/>
          <property name="provium.qemu" value="7.2.22 (Debian 1:7.2)"/>
          <property name="provium.accelerator" value="tcg: /dev/kvm does not run guest code"/>
          <property name="provium.channel" value="virtio-serial"/>
          <property name="provium.kernel" value="6.1.0"/>
          <property name="kernel version: tags" value="quick core"/>
          <property name="kernel version: issue" value="KERN-7"/>
        </properties>
        <testcase name="kernel version" classname="boot" time="0.200">
          <system-out>6.1.0
    </system-out>
        </testcase>
        <testcase name="proc mounted" classname="boot" time="0.200"/>
        <testcase name="module loads" classname="boot" time="0.000">
          <skipped message="todo: needs 6.6"/>
        </testcase>
        <system-out/>
        <system-err/>
      </testsuite>
      <testsuite name="token.lua" id="1" package="" hostname="localhost" timestamp="2026-01-01T12:00:00" tests="5" failures="3" errors="0" skipped="1" time="2.100">
        <properties>
          <property name="provium.version" value="1.0.0"/>
          <property name="provium.qemu" value="7.2.22 (Debian 1:7.2)"/>
          <property name="provium.accelerator" value="tcg: /dev/kvm does not run guest code"/>
          <property name="provium.channel" value="virtio-serial"/>
          <property name="provium.kernel" value="6.1.0"/>
        </properties>
        <testcase name="denies others" classname="token" time="1.100">
          <failure message="expected &quot;0&quot;, got &quot;-13&quot;" type="assertion">tests/token.lua:14: expected "0", got "-13"</failure>
          <system-out>uid is 0
    --- last operations ---
    exec("id -u") = 0 &lt;0.01s&gt;
    write_file("/etc/token", 12 bytes) = EACCES
    --- console ---
    [    1.0] audit: denied
    [    1.1] panic? no
    </system-out>
        </testcase>
        <testcase name="outer" classname="token" time="0.300">
          <failure message="inner tests failed: second" type="inner">tests/token.lua:20: inner tests failed: second</failure>
        </testcase>
        <testcase name="outer / first" classname="token" time="0.100"/>
        <testcase name="outer / second" classname="token" time="0.100">
          <failure message="texts differ:" type="assertion">tests/token.lua:30: texts differ:
    - one
    + two
      three

    traceback:
    tests/token.lua:30: in function 'check'
    tests/token.lua:41: in main chunk</failure>
        </testcase>
        <testcase name="later" classname="token" time="0.000">
          <skipped message="not on tcg"/>
        </testcase>
        <system-out>log: RUN-DIRECTORY/token.lua.log
    </system-out>
        <system-err/>
      </testsuite>
      <testsuite name="net/tcp.lua" id="2" package="net" hostname="localhost" timestamp="2026-01-01T12:00:06" tests="1" failures="0" errors="0" skipped="0" time="1.500">
        <properties>
          <property name="provium.version" value="1.0.0"/>
          <property name="provium.qemu" value="7.2.22 (Debian 1:7.2)"/>
          <property name="provium.accelerator" value="tcg: /dev/kvm does not run guest code"/>
          <property name="provium.channel" value="virtio-serial"/>
          <property name="provium.attempts" value="2"/>
        </properties>
        <testcase name="connects" classname="net.tcp" time="0.400"/>
        <system-out>--- attempt 1 failed ---
    QEMU ended with signal 9 while booting default
    --- console ---
    [    0.1] Linux version 6.1.0
    </system-out>
        <system-err/>
      </testsuite>
      <testsuite name="weird.lua" id="3" package="" hostname="localhost" timestamp="2026-01-01T12:00:08" tests="2" failures="1" errors="0" skipped="0" time="0.300">
        <properties>
          <property name="provium.version" value="1.0.0"/>
          <property name="provium.qemu" value="7.2.22 (Debian 1:7.2)"/>
          <property name="provium.accelerator" value="tcg: /dev/kvm does not run guest code"/>
          <property name="provium.channel" value="virtio-serial"/>
        </properties>
        <testcase name="&quot;&lt;b&gt;&amp;amp;' red\x07 👩‍🚀 שלום \u{202E}gnp.exe ]]&gt; #1 second line" classname="weird" time="0.100">
          <failure message="BUG: KASAN: &lt;use-after-free&gt;\x00\u{FFFE}" type="splat">BUG: KASAN: &lt;use-after-free&gt;��
    	Call trace</failure>
          <system-out>::error::not a command
    text]]&gt;
    </system-out>
        </testcase>
        <testcase name="\##(SampleRun.long)" classname="weird" time="0.100"/>
        <system-out/>
        <system-err/>
      </testsuite>
      <testsuite name="old.lua" id="4" package="" hostname="localhost" timestamp="2026-01-01T12:00:08" tests="1" failures="0" errors="0" skipped="1" time="0.020">
        <properties>
          <property name="provium.version" value="1.0.0"/>
          <property name="provium.qemu" value="7.2.22 (Debian 1:7.2)"/>
          <property name="provium.accelerator" value="tcg: /dev/kvm does not run guest code"/>
          <property name="provium.channel" value="virtio-serial"/>
        </properties>
        <testcase name="old.lua" classname="old" time="0.020">
          <skipped message="replaced"/>
        </testcase>
        <system-out/>
        <system-err/>
      </testsuite>
    </testsuites>

    """##
}
