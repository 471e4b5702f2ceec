import ProviumSystem
import Synchronization
import Testing

@testable import ProviumRuntime

@Suite("The debug log of a VM") struct DebugLogFileTests {
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/provium-debug-log-\(UInt64.random(in: 0 ... .max))"
    defer { try? Files.removeTree(folder) }
    try body(folder)
  }

  @Test("a line of a debug log begins with its time in seconds, and further lines of a message are indented")
  func lines() throws {
    try withFolder { folder in
      let seconds = Mutex([0.5, 12.034567, 123456.0])
      let file = DebugLogFile(path: "\(folder)/logs/a.log") { seconds.withLock { $0.removeFirst() } }
      file.append("one")
      file.append("two\nlines")
      file.append("three")
      try #expect(
        Files.readText("\(folder)/logs/a.log") == """
          [    0.500000] one
          [   12.034567] two
              lines
          [123456.000000] three

          """
      )
    }
  }

  @Test("a guest's control characters cannot reach a terminal through a debug log") func harmless() throws {
    try withFolder { folder in
      let file = DebugLogFile(path: "\(folder)/a.log") { 0 }
      file.append("a\u{1b}[31mb\u{7}")
      try #expect(Files.readText("\(folder)/a.log") == "[    0.000000] ab\\x07\n")
    }
  }

  @Test("a debug log without messages has no file, and one that is renamed continues under its new name")
  func rename() throws {
    try withFolder { folder in
      let silent = DebugLogFile(path: "\(folder)/silent.log") { 0 }
      silent.rename(to: "\(folder)/other.log")
      #expect(!Files.exists("\(folder)/silent.log") && !Files.exists("\(folder)/other.log"))
      let file = DebugLogFile(path: "\(folder)/warm.log") { 1 }
      file.append("warmed")
      file.rename(to: "\(folder)/vm7.log")
      file.append("taken")
      #expect(!Files.exists("\(folder)/warm.log"))
      try #expect(Files.readText("\(folder)/vm7.log") == "[    1.000000] warmed\n[    1.000000] taken\n")
    }
  }

  @Test("a debug log is cut at its limit, so that a guest cannot fill the disk") func limit() throws {
    try withFolder { folder in
      let file = DebugLogFile(path: "\(folder)/a.log", limit: 100) { 0 }
      for _ in 0..<10 { file.append(String(repeating: "x", count: 40)) }
      let lines = try Files.readText("\(folder)/a.log").split(separator: "\n")
      #expect(lines.count == 3 && lines.last == "[provium: the log is cut here]")
    }
  }

  @Test("an unusable folder loses the log and nothing else") func unusable() {
    let file = DebugLogFile(path: "/proc/none/a.log") { 0 }
    file.append("one")
    file.append("two")
    file.rename(to: "/proc/none/b.log")
    #expect(!Files.exists("/proc/none"))
  }
}
