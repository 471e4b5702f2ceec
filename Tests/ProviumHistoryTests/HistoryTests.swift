import Glibc
import ProviumEvents
import ProviumSystem
import Testing

@testable import ProviumHistory

@Suite("The history of past runs") struct HistoryTests {
  private func result(_ file: String, _ outcome: Outcome, seconds: Double) -> FileResult {
    let test = SubTestResult(
      path: ["outer", "inner"],
      outcome: outcome,
      duration: seconds / 2,
      location: ScriptLocation(file: file, line: 3)
    )
    return FileResult(file: file, outcome: .passed, subTests: [test], duration: seconds)
  }
  private let failure = Outcome.failed(Failure(kind: .assertion, message: "expected 1, got 2"))

  @Test("knows how long each file last took, and which failed") func last() throws {
    let history = try History()
    try history.record(result("a.lua", failure, seconds: 2), root: "/t", time: 1)
    try history.record(result("b.lua", failure, seconds: 3), root: "/t", time: 2)
    try history.record(result("a.lua", .passed, seconds: 4), root: "/t", time: 3)
    try history.record(result("a.lua", failure, seconds: 9), root: "/elsewhere", time: 4)
    #expect(try history.durations(root: "/t") == ["a.lua": 4, "b.lua": 3])
    #expect(try history.failedFiles(root: "/t") == ["b.lua"])
  }

  @Test("shows a test's past, newest first") func entries() throws {
    let history = try History()
    try history.record(result("a.lua", failure, seconds: 2), root: "/t", time: 1)
    try history.record(result("a.lua", .passed, seconds: 2), root: "/t", time: 2)
    let entries = try history.entries(matching: "a.lua / outer")
    #expect(entries.map(\.outcome) == ["passed", "failed"])
    #expect(entries.last?.message == "expected 1, got 2")
  }

  @Test("forgets all but the last fifty results of a test") func bounded() throws {
    let history = try History()
    for time in 1...60 {
      try history.record(result("a.lua", .passed, seconds: 1), root: "/t", time: Double(time))
    }
    let entries = try history.entries(matching: "a.lua / outer / inner", limit: 1000)
    #expect(entries.count == 50)
    #expect(entries.last?.time == 11)
  }

  @Test("puts a file aside that is no database, and starts anew") func broken() throws {
    let path = "/tmp/provium-test-\(getpid())/history.sqlite"
    defer { try? Files.removeTree(Files.parent(of: path)) }
    try Files.createDirectories(Files.parent(of: path))
    try Files.write(Array(repeating: 0x55, count: 8192), to: path)
    let history = try History(path: path)
    try history.record(result("a.lua", .passed, seconds: 1), root: "/t", time: 1)
    #expect(Files.exists("\(path).broken"))
    #expect(try history.durations(root: "/t") == ["a.lua": 1])
  }
}
