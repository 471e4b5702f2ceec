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
    _ = Array(text.utf8).withUnsafeBytes { log.append($0) }
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

  @Test("tells how far a boot came") func stages() throws {
    try console { log in
      #expect(log.reached == .qemu)
      print("[    0.000000] Linux version 6.1\n", to: log)
      #expect(log.reached == .kernel)
      print("[    1.0] provium: stage modules\n[    1.1] provium: stage agent\n", to: log)
      #expect(log.reached == .agent)
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
