import Glibc
import ProviumSystem
import Testing

@testable import ProviumMachine

@Suite("A console") struct ConsoleTests {
  private func console(_ body: (ConsoleLog) throws -> Void) throws {
    let path = "/tmp/provium-test-console-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    defer { unlink(path) }
    try body(try ConsoleLog(path: path))
  }
  private func print(_ text: String, to log: ConsoleLog) {
    Array(text.utf8).withUnsafeBytes { log.append($0) }
  }

  @Test("shows its last lines without control characters, the unfinished one too") func tail() throws {
    try console { log in
      print("one\r\n\u{1b}[31mtwo\u{1b}[0m\nthr", to: log)
      print("ee", to: log)
      #expect(log.tail(2) == ["two", "three"])
      let kept = try Files.readText(log.path)
      #expect(kept == "one\r\n\u{1b}[31mtwo\u{1b}[0m\nthree")
    }
  }

  @Test("tells how far a boot came, and of a panic") func stages() throws {
    try console { log in
      #expect(log.reached == .qemu)
      print("[    0.000000] Linux version 6.1\n", to: log)
      #expect(log.reached == .kernel)
      print("[    1.0] provium: stage modules\n[    1.1] provium: stage agent\n", to: log)
      #expect(log.reached == .agent)
      #expect(log.panic == nil)
      print("[    2.0] Kernel panic - not syncing: VFS: Unable to mount root fs\n", to: log)
      #expect(log.panic == "Kernel panic - not syncing: VFS: Unable to mount root fs")
    }
  }

  @Test("keeps bounded memory of endless lines and endless output") func flood() throws {
    try console { log in
      for _ in 0..<100 { print(String(repeating: "x", count: 1000), to: log) }
      #expect(log.tail(1).first?.count == 4096)
      for line in 0..<10_000 { print("\(line)\n", to: log) }
      #expect(log.tail(1) == ["9999"])
      #expect(log.lines(since: log.position - 3) == ["9997", "9998", "9999"])
    }
  }
}

@Suite("Kernel reports") struct KernelReportTests {
  @Test(
    "are told by their kind",
    arguments: [
      ("[  1.0] BUG: KASAN: slab-out-of-bounds in foo+0x1/0x2", KernelReport.Kind.kasan),
      ("[  1.0] UBSAN: array-index-out-of-bounds in fs/x.c:3:4", .ubsan),
      ("[  1.0] WARNING: possible circular locking dependency detected", .lockdep),
      ("[  1.0] rcu: INFO: rcu_sched self-detected stall on CPU", .rcuStall),
      ("[  1.0] INFO: task cat:42 blocked for more than 120 seconds.", .hungTask),
      ("[  1.0] watchdog: BUG: soft lockup - CPU#0 stuck for 22s!", .lockup),
      ("[  1.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:12 foo+0x1/0x2", .warning),
      ("[  1.0] BUG: kernel NULL pointer dereference, address: 0000000000000008", .bug),
      ("[  1.0] Oops: 0002 [#1] PREEMPT SMP NOPTI", .oops), ("[  1.0] kernel BUG at mm/slub.c:379!", .bug),
      ("[  1.0] Kernel panic - not syncing: Fatal exception", .panic),
    ]
  )
  func kinds(line: String, kind: KernelReport.Kind) {
    let reports = KernelReportScanner().scan([line])
    #expect(reports.map(\.kind) == [kind])
    #expect(reports.first?.title.hasPrefix("[") == false)
  }

  @Test("hold their trace, and end with it") func extent() {
    let reports = KernelReportScanner().scan([
      "[ 1.0] ------------[ cut here ]------------", "[ 1.0] WARNING: CPU: 0 PID: 1 at a.c:1 f+0x0/0x1",
      "[ 1.0] Call Trace:", "[ 1.0]  <TASK>", "[ 1.0]  g+0x1", "[ 1.0]  </TASK>", "[ 1.1] eth0: link up",
    ])
    #expect(reports.map(\.lines.count) == [6])
  }

  @Test("are not seen in an ordinary boot") func ordinary() {
    let lines = [
      "[    0.000000] Linux version 6.1.0", "[    0.032000] tsc: Unable to calibrate against PIT",
      "[    0.5] Warning: unable to open an initial console.", "[    1.0] provium: stage modules",
      "[    1.2] random: crng init done", "debug: BUGS are bad",
    ]
    #expect(KernelReportScanner().scan(lines).isEmpty)
  }
}

@Suite("The run's directory") struct RunDirectoryTests {
  @Test("is private, and gone at the end unless it is kept") func lifecycle() throws {
    let run = try RunDirectory()
    var status = stat()
    #expect(stat(run.path, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o700)
    let machine = try run.machineDirectory()
    #expect(Files.isDirectory(machine))
    run.close()
    run.close()
    #expect(!Files.exists(run.path))

    let kept = try RunDirectory()
    kept.keep()
    kept.close()
    #expect(Files.exists(kept.path))
    try Files.removeTree(kept.path)
  }
}
