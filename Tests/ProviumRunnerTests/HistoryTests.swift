import Glibc
import ProviumEvents
import ProviumSystem
import Testing

@testable import ProviumRunner

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
  private func record(
    _ result: FileResult,
    in history: History,
    root: String = "/t",
    kernel: String = "",
    isPartial: Bool = false,
    touched: [String: String] = [:],
    time: Double = 1
  ) throws {
    let run = History.FileRun(
      file: result.file,
      kernel: kernel,
      result: result,
      isPartial: isPartial,
      touched: touched,
      time: time
    )
    try history.record(run, root: root)
  }
  private let failure = Outcome.failed(Failure(kind: .assertion, message: "expected 1, got 2"))

  @Test("knows how long each file last took, and which failed") func last() throws {
    let history = try History()
    try record(result("a.lua", failure, seconds: 2), in: history, root: "/t", time: 1)
    try record(result("b.lua", failure, seconds: 3), in: history, root: "/t", time: 2)
    try record(result("a.lua", .passed, seconds: 4), in: history, root: "/t", time: 3)
    try record(result("a.lua", failure, seconds: 9), in: history, root: "/elsewhere", time: 4)
    #expect(try history.durations(root: "/t") == ["a.lua": 4, "b.lua": 3])
    #expect(try history.failedFiles(root: "/t") == ["b.lua"])
  }

  @Test("keeps the results of each kernel apart") func kernels() throws {
    let history = try History()
    try record(result("a.lua", failure, seconds: 2), in: history, kernel: "deb:6.1", touched: ["/h": "1"])
    try record(
      result("a.lua", .passed, seconds: 4),
      in: history,
      kernel: "deb:6.12",
      touched: ["/h": "1", "/i": "2"]
    )
    try record(result("a.lua", .passed, seconds: 6), in: history)
    #expect(try history.failedFiles(root: "/t") == ["a.lua [deb:6.1]"])
    #expect(
      try history.durations(root: "/t") == ["a.lua": 6, "a.lua [deb:6.1]": 2, "a.lua [deb:6.12]": 4]
    )
    #expect(try history.touched(root: "/t")["a.lua [deb:6.12]"] == ["/h": "1", "/i": "2"])
    let entries = try history.entries(matching: "outer", root: "/t")
    #expect(entries.map(\.kernel) == ["", "deb:6.12", "deb:6.1"])
    #expect(entries.allSatisfy { $0.file == "a.lua" })
  }

  @Test("does not take a run of some sub-tests for one of all") func partial() throws {
    func file(_ tests: [(String, Outcome)], seconds: Double = 1, outcome: Outcome = .passed) -> FileResult {
      let results = tests.map { name, outcome in
        SubTestResult(
          path: [name],
          outcome: outcome,
          duration: 0,
          location: ScriptLocation(file: "b", line: 1)
        )
      }
      return FileResult(file: "b", outcome: outcome, subTests: results, duration: seconds)
    }
    let history = try History()
    func failed() throws -> Bool { try history.failedFiles(root: "/t") == ["b"] }
    try record(file([("good", .passed), ("bad", failure)], seconds: 5), in: history)
    try record(file([("good", .passed)]), in: history, isPartial: true)
    #expect(try failed(), "the failed test did not run")
    #expect(try history.durations(root: "/t") == ["b": 5])
    try record(file([("bad", .passed)]), in: history, isPartial: true)
    #expect(try !failed())
    try record(file([("good", failure)]), in: history, isPartial: true)
    #expect(try failed())
    // The test is no more: it must not be held against the file for ever.
    try record(file([("bad", .passed)]), in: history)
    #expect(try !failed())
    try record(file([], outcome: failure), in: history)
    try record(file([("bad", .passed)]), in: history, isPartial: true)
    #expect(try failed(), "the script failed outside its sub-tests")
  }

  @Test("knows what a file looked at when all of it last ran") func touched() throws {
    let history = try History()
    let file = result("a.lua", .passed, seconds: 1)
    try record(file, in: history, isPartial: true, touched: ["/t/a.lua": "1"])
    #expect(try history.touched(root: "/t").isEmpty, "some sub-tests tell not of all")
    try record(file, in: history, touched: ["/t/a.lua": "1", "/t/h.lua": "1"])
    try record(file, in: history, isPartial: true, touched: ["/t/a.lua": "2", "/t/k.lua": "2"])
    #expect(
      try history.touched(root: "/t") == ["a.lua": ["/t/a.lua": "1", "/t/h.lua": "1", "/t/k.lua": "2"]],
      "what all of it looked at then is what all of it did"
    )
    try record(file, in: history, touched: ["/t/a.lua": "3"])
    #expect(try history.touched(root: "/t") == ["a.lua": ["/t/a.lua": "3"]])
    #expect(try history.touched(root: "/elsewhere").isEmpty)
  }

  @Test("shows a test's past, newest first") func entries() throws {
    let history = try History()
    try record(result("a.lua", failure, seconds: 2), in: history, root: "/t", time: 1)
    try record(result("a.lua", .passed, seconds: 2), in: history, root: "/t", time: 2)
    let entries = try history.entries(matching: "a.lua / outer", root: "/t")
    #expect(entries.map(\.outcome) == ["passed", "failed"])
    #expect(entries.last?.message == "expected 1, got 2")
    #expect(try history.entries(matching: "a.lua", root: "/elsewhere").isEmpty)
  }

  @Test("forgets all but the last fifty results of a test") func bounded() throws {
    let history = try History()
    for time in 1...60 {
      try record(result("a.lua", .passed, seconds: 1), in: history, root: "/t", time: Double(time))
    }
    let entries = try history.entries(matching: "a.lua / outer / inner", root: "/t", limit: 1000)
    #expect(entries.count == 50)
    #expect(entries.last?.time == 11)
  }

  @Test("a history that is not a database is moved aside, and a new one is created") func broken() throws {
    let path = "/tmp/provium-test-\(getpid())/history.sqlite"
    defer { try? Files.removeTree(Files.parent(of: path)) }
    try Files.createDirectories(Files.parent(of: path))
    try Files.write(Array(repeating: 0x55, count: 8192), to: path)
    let history = try History(path: path)
    try record(result("a.lua", .passed, seconds: 1), in: history, root: "/t", time: 1)
    #expect(Files.exists("\(path).broken"))
    #expect(try history.durations(root: "/t") == ["a.lua": 1])
  }

  @Test(
    "a history keeps names with quotes, zero bytes and no bytes unchanged",
    arguments: ["a'b\".lua", "a\0b.lua", ""]
  )
  func anyName(file: String) throws {
    let history = try History()
    try record(result(file, .passed, seconds: 1), in: history, touched: ["/\(file)": ""])
    #expect(try history.durations(root: "/t") == [file: 1])
    #expect(try history.touched(root: "/t") == [file: ["/\(file)": ""]])
  }

  @Test("a history of a newer version of Provium is an error and stays as it is") func newer() throws {
    let path = "/tmp/provium-test-\(getpid())-newer/history.sqlite"
    defer { try? Files.removeTree(Files.parent(of: path)) }
    try Files.createDirectories(Files.parent(of: path))
    try SQLiteDatabase(path: path).execute(script: "PRAGMA user_version = 7")
    let error = #expect(throws: (any Error).self) { try History(path: path) }
    #expect("\(try #require(error))".contains("a newer version of Provium keeps the history (format 7"))
    #expect(!Files.exists("\(path).broken"))
  }
}
