// swift-format-ignore-file

extension Golden {
  /// `--tap`.
  static let tap = ##"""
    TAP version 13
    # provium 1.0.0: kernel 6.1.0 (default), QEMU 7.2.22 (Debian 1:7.2), tcg, virtio-serial
    # warning: net/tcp.lua: infrastructure error, running it again (1 of 1)
    1..5
    # Subtest: boot.lua
        1..3
        ok 1 - kernel version
          ---
          duration_ms: 200.000
          ...
        ok 2 - proc mounted
          ---
          duration_ms: 200.000
          ...
        not ok 3 - module loads # TODO needs 6.6
          ---
          duration_ms: 0.000
          ...
    ok 1 - boot.lua
      ---
      duration_ms: 2900.000
      ...
    # Subtest: token.lua
        1..3
        not ok 1 - denies others
          ---
          duration_ms: 1100.000
          message: "expected \"0\", got \"-13\""
          severity: fail
          kind: "assertion"
          at:
            file: "tests/token.lua"
            line: 14
          trace: |
            exec("id -u") = 0 <0.01s>
            write_file("/etc/token", 12 bytes) = EACCES
          console: |
            [    1.0] audit: denied
            [    1.1] panic? no
          output: "uid is 0"
          ...
        # Subtest: outer
            1..2
            ok 1 - first
              ---
              duration_ms: 100.000
              ...
            not ok 2 - second
              ---
              duration_ms: 100.000
              message: |
                texts differ:
                - one
                + two
                  three
              severity: fail
              kind: "assertion"
              at:
                file: "tests/token.lua"
                line: 30
              traceback: |
                tests/token.lua:30: in function 'check'
                tests/token.lua:41: in main chunk
              ...
        not ok 2 - outer
          ---
          duration_ms: 300.000
          message: "inner tests failed: second"
          severity: fail
          kind: "inner"
          at:
            file: "tests/token.lua"
            line: 20
          ...
        ok 3 - later # SKIP not on tcg
          ---
          duration_ms: 0.000
          ...
    not ok 2 - token.lua
      ---
      duration_ms: 2100.000
      log: "RUN-DIRECTORY/token.lua.log"
      ...
    # Subtest: net/tcp.lua
        1..1
        ok 1 - connects
          ---
          duration_ms: 400.000
          ...
    ok 3 - net/tcp.lua
      ---
      duration_ms: 1500.000
      attempt: "2"
      ...
    # Subtest: weird.lua
        1..2
        not ok 1 - "<b>&amp;' red\\x07 👩‍🚀 שלום \\u{202E}gnp.exe ]]> \#1 second line
          ---
          duration_ms: 100.000
          message: |
            BUG: KASAN: <use-after-free>\x00\u{FFFE}
                    Call trace
          severity: fail
          kind: "splat"
          output: |
            ::error::not a command
            text]]>
          ...
        ok 2 - \##(SampleRun.long)
          ---
          duration_ms: 100.000
          ...
    not ok 4 - weird.lua
      ---
      duration_ms: 300.000
      ...
    ok 5 - old.lua # SKIP replaced
      ---
      duration_ms: 20.000
      ...

    """##
}
