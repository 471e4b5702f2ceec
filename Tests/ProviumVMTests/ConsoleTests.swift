import Glibc
import ProviumSystem
import Testing

@testable import ProviumVM

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
    }
  }

  @Test("holds a kernel report however much is printed behind it, until somebody answers for it")
  func reports()
    throws
  {
    try console { log in
      print("[    1.000000] BUG: KASAN: use-after-free in f+0x1/0x2\n", to: log)
      for line in 0..<6_000 { print("\(line)\n", to: log) }
      #expect(log.reports.kept.map(\.title) == ["BUG: KASAN: use-after-free in f+0x1/0x2"])
      log.answer(log.reports.kept)
      #expect(log.takeReports().kept.isEmpty)
    }
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
