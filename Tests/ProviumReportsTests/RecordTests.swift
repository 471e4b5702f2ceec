import ProviumEvents
import ProviumReports
import Testing

@Suite("The record of a run") struct RecordTests {
  @Test("counts the last attempt of each file") func attempts() {
    let results = SampleRun.record.results
    #expect(results.count == 6)
    #expect(results.first { $0.file == "net/tcp.lua" }?.attempt == 1)
    #expect(SampleRun.record.runs.count == 7)
  }

  @Test("counts every repetition of a file") func repetitions() {
    var record = RunRecord()
    for round in 0..<3 {
      record.add(.fileStarted(file: "boot.lua", attempt: 0), at: Double(round))
      record.add(.fileEnded(SampleRun.boot), at: Double(round) + 0.9)
    }
    #expect(record.finalRuns.map(\.title) == ["boot.lua", "boot.lua (run 2)", "boot.lua (run 3)"])
  }

  @Test("makes failures of what was running when it ended, and keeps what had ended") func interrupted() {
    var record = RunRecord()
    record.add(.fileStarted(file: "boot.lua", attempt: 0), at: 0)
    record.add(.subTestEnded(file: "boot.lua", result: SampleRun.boot.subTests[0]), at: 1)
    record.add(.activity(file: "boot.lua", text: "exec make check"), at: 2)
    record.add(.subTestStarted(file: "boot.lua", path: ["second"], location: SampleRun.at(9)), at: 2)
    let result = record.results[0]
    #expect(result.subTests.map(\.name) == ["kernel version", "second"])
    guard case .failed(let failure) = result.outcome else {
      Issue.record("\(result.outcome)")
      return
    }
    #expect(failure.kind == .infrastructure)
    #expect(failure.message == "did not end: the run was interrupted during: exec make check")
  }

  @Test("puts each test before those inside it, also below one that was never told") func order() {
    let results = [["a", "b"], ["a", "c", "d"], ["a", "c"], ["a"], ["e", "f"]].map {
      SampleRun.test($0, .passed)
    }
    #expect(TestTree.ordered(results).map(\.name) == ["a", "a / b", "a / c", "a / c / d", "e / f"])
    #expect(TestTree.roots(of: results).map(\.name) == ["a", "e"])
  }
}
