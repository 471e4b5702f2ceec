// swift-format-ignore-file

extension Golden {
  /// The output to a pipe.
  static let plain = ##"""
    provium test                                     kernel 6.1.0 (default) · QEMU 7.2 · tcg: /dev/kvm does not run guest code · virtio-serial

      boot.lua ... ok (3 tests, 2.9s)
        · kernel version ... ok
        · proc mounted ... ok
        · module loads ... todo: needs 6.6
      token.lua ... FAIL (2.1s)
        · denies others ... FAIL: tests/token.lua:14: expected "0", got "-13"
        --- output ---
          uid is 0
        --- last operations ---
          exec("id -u") = 0 <0.01s>
          write_file("/etc/token", 12 bytes) = EACCES
        --- console (last 2 lines) ---
          [    1.0] audit: denied
          [    1.1] panic? no
        · outer ... FAIL: tests/token.lua:20: inner tests failed: second
        · outer / first ... ok
        · outer / second ... FAIL: tests/token.lua:30: texts differ:
            - one
            + two
              three
        --- traceback ---
          tests/token.lua:30: in function 'check'
          tests/token.lua:41: in main chunk
        · later ... skipped: not on tcg
      helpers.lua ... helper (no tests)
      net/tcp.lua ... FAIL (1.5s)
        (infrastructure error) QEMU ended with signal 9 while booting default
        --- console (last 1 line) ---
          [    0.1] Linux version 6.1.0
      warning: net/tcp.lua: infrastructure error, running it again (1 of 1)
      net/tcp.lua ... ok (1 test, 1.5s, attempt 2)
        · connects ... ok
      weird.lua ... FAIL (300ms)
        · "<b>&amp;' red\x07 👩‍🚀 שלום \u{202E}gnp.exe ]]> #1 second line ... FAIL: (kernel report) BUG: KASAN: <use-after-free>\x00\u{FFFE}
                    Call trace
        --- output ---
          ::error::not a command
          text]]>
        · \##(SampleRun.long) ... ok
      old.lua ... skipped: replaced

    Failed test logs:
      token.lua  →  RUN-DIRECTORY/token.lua.log

    Passed only when run again, after an infrastructure error:
      net/tcp.lua

    FAIL: 2 files passed, 2 failed, 2 skipped, 1 todo, 1 helper, 1 retried

    """##
}
