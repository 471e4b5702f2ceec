import Glibc
import ProviumSystem
import Testing

@Suite(
  "provium fixture",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct FixtureCommandTests {
  /// Everything that a fixture can be made from.
  private func project() throws -> Project {
    let project = try Project(
      withCache: [
        "tests/fixtures/low.lua": """
        dofile("tests/_helper.lua")
        provium.create("mine"):boot{
          memory = "128M", files = { ["/etc/injected"] = "injected" }, disks = { "disk.img" },
        }
        """,
        "tests/fixtures/high.lua": "provium.fixture('low')\n", "tests/_helper.lua": "", "injected": "one\n",
        "tests/a.lua": "provium.fixture('high')\n",
      ],
      settings: """
        spares = 0
        [profile.mine]
        kernel = "kernel"
        initrd = "initrd"
        """
    )
    // The built-in profile's files under names of the user's own.
    try project.shell(
      """
      truncate -s 1M disk.img
      rm cache/userland # shared, with userlands of other architectures
      "\(Command.binary)" run --mem 128M -- true
      prepared=$(echo cache/kernels/$(uname -m)/prepared)
      cp "$(sed -n 1p $prepared)" kernel
      modules=$(sed -n 2p $prepared)
      mkdir lib
      cp -rs "$modules" lib/
      echo "modules = \\"lib/${modules##*/}\\"" >> provium.toml
      cp cache/userland/* initrd
      """
    )
    return project
  }

  @Test("names the input that changed, and builds again") func why() throws {
    let project = try project()
    func fixture(_ arguments: String...) throws -> String {
      let command = try Command(arguments: ["fixture"] + arguments, in: project.path)
      #expect(command.status == .exited(0), "\(command.text)")
      return command.output
    }
    #expect(try fixture("list") == "no fixtures in the cache\n")
    #expect(try fixture("why", "high") == "high would be built: it was never built\n")
    #expect(try fixture("build", "high").contains(/^high built in [0-9.]+m?s\n$/))
    #expect(try fixture("build", "high") == "high is current\n")
    #expect(try fixture("stale").isEmpty)
    let list = try fixture("list")
    #expect(list.contains(/high  [0-9.]+M  built .* ago  current  tests\/fixtures\/high.lua\n/), "\(list)")
    #expect(list.contains(/low  [0-9.]+M  built .* ago  current  tests\/fixtures\/low.lua\n/), "\(list)")

    // Another project that shares the cache has profiles of its own; they say nothing of these.
    try project.shell("mkdir other; printf '[provium]\\ncache = \"../cache\"\\n' > other/provium.toml")
    let elsewhere = try Command("fixture", "list", in: "\(project.path)/other")
    #expect(elsewhere.output.matches(of: /ago +current/).count == 2, "\(elsewhere.text)")

    for (change, back, reason) in [
      (
        "echo >> tests/fixtures/low.lua", "truncate -s -1 tests/fixtures/low.lua",
        "the script (tests/fixtures/low.lua) changed"
      ),
      (
        "echo >> tests/_helper.lua", "truncate -s 0 tests/_helper.lua",
        "tests/_helper.lua (tests/_helper.lua) changed"
      ),
      ("echo two > injected", "echo one > injected", "the injected file /etc/injected (injected) changed"),
      ("mv injected gone", "mv gone injected", "the injected file /etc/injected (injected) is gone"),
      ("truncate -s 2M disk.img", "truncate -s 1M disk.img", "disk (disk.img) changed"),
      ("echo >> kernel", "truncate -s -1 kernel", "kernel (kernel) changed"),
      ("echo >> initrd", "truncate -s -1 initrd", "initrd (initrd) changed"),
      (
        "f=$(find lib -name virtio_blk.ko*); cp --remove-destination $(readlink -f $f) $f; echo >> $f",
        "truncate -s -1 $(find lib -name virtio_blk.ko*)",
        "module virtio_blk (lib/MODULE) changed"
      ),
      (
        "cp kernel other; sed -i s/'\"kernel\"'/'\"other\"'/ provium.toml",
        "sed -i s/'\"other\"'/'\"kernel\"'/ provium.toml",
        "kernel of the profile mine was \(project.path)/kernel, and is \(project.path)/other"
      ),
      (
        "echo 'append = \"quiet\"' >> provium.toml", "sed -i /append/d provium.toml",
        "append of the profile mine was not set, and is quiet"
      ),
    ] {
      try project.shell(change)
      let said = try fixture("why", "low").replacing(/lib\/[^ ]*virtio_blk[^ )]*/, with: "lib/MODULE")
      #expect(said == "low would be built: \(reason)\n")
      try project.shell(back)
      #expect(try fixture("why", "low") == "low is current\n", "after \(back)")
    }

    // The fixture that it starts from is an input, too.
    try project.shell("echo two > injected")
    #expect(
      try fixture("stale") == """
        high: the fixture low, from which it starts, would be built again: the injected file /etc/injected (injected) changed
        low: the injected file /etc/injected (injected) changed

        """
    )
    #expect(try fixture("rebuild", "low").hasPrefix("low built in "))
    #expect(
      try fixture("why", "high")
        == "high would be built: the fixture low, from which it starts, was built again\n"
    )
    #expect(try fixture("build", "high").hasPrefix("high built in "))
    #expect(try fixture("stale").isEmpty)

    // The lab of a script is built for itself.
    #expect(try fixture("why", "--lab", "high") == "high would be built: it was never built\n")
    #expect(try fixture("build", "--lab", "high").hasPrefix("high built in "))
    #expect(try fixture("build", "--lab", "high") == "high is current\n")
    #expect(try fixture("why", "--lab", "high") == "high is current\n")
    #expect(try fixture("list").contains("high (lab)  "))

    #expect(try fixture("clean", "high").contains(/^[0-9.]+M freed\n$/))
    #expect(try fixture("why", "high") == "high would be built: it was never built\n")
    // A fixture without a script can still be named.
    try project.shell("rm tests/fixtures/low.lua")
    #expect(try fixture("stale") == "low: the script (tests/fixtures/low.lua) is gone\n")
    #expect(try fixture("clean", "low").contains(/^[0-9.]+M freed\n$/))
    #expect(try fixture("list") == "no fixtures in the cache\n")
  }

  @Test("clean leaves alone what a running test uses") func inUse() throws {
    let project = try Project(
      withCache: [
        "tests/fixtures/small.lua": "provium.create():boot{ memory = '128M' }\n",
        "tests/a.lua": """
        local vm = provium.fixture("small")
        io.open("up", "w"):close()
        while not io.open("go") do vm:exec("sleep 0.02") end
        test("it can be resumed still", function() provium.fixture("small"):syscall(39) end)
        """,
      ],
      settings: "spares = 0"
    )
    let text = try project.shell(
      """
      "\(Command.binary)" test > log 2>&1 & run=$!
      until [ -e up ]; do sleep 0.01; done
      "\(Command.binary)" fixture clean
      touch go
      wait $run || cat log
      "\(Command.binary)" fixture clean
      """
    )
    #expect(text.contains("0 freed\nsmall is in use by another process and was not removed\n"), "\(text)")
    #expect(text.contains(/^[1-9][0-9.]*M freed$/.anchorsMatchLineEndings()), "\(text)")
    #expect(!text.contains("FAIL"), "\(text)")
  }
}
