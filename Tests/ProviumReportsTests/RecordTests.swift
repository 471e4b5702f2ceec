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

  @Test("counts running sub-tests of an interrupted run as failed, and keeps the ended ones")
  func interrupted() {
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

  @Test("puts each test before its inner tests, also below a test without a result") func order() {
    let results = [["a", "b"], ["a", "c", "d"], ["a", "c"], ["a"], ["e", "f"]].map {
      SampleRun.test($0, .passed)
    }
    #expect(TestTree.ordered(results).map(\.title) == ["a", "a / b", "a / c", "a / c / d", "e / f"])
    #expect(TestTree.roots(of: results).map(\.name) == ["a", "e"])
  }

  @Test("tells sub-tests of one name apart by an ordinal, at every depth") func ordinals() {
    let paths = [
      ["same"], ["o", "i"], ["o", "i"], ["o"], ["o", "i"], ["o"], ["same"], ["same #2"], ["same"],
      ["unfinished", "x"], ["unfinished", "x"],
    ]
    let ordered = TestTree.ordered(paths.map { SampleRun.test($0, .passed) })
    #expect(
      ordered.map(\.title) == [
        "same", "o", "o / i", "o / i #2", "o #2", "o #2 / i", "same #2", "same #2 #2", "same #3",
        "unfinished / x", "unfinished / x #2",
      ]
    )
    #expect(ordered.count == paths.count)
  }

  @Test("keeps two sub-tests of one name when the run is interrupted in the second") func interruptedTwins() {
    var record = RunRecord()
    record.add(.fileStarted(file: "a.lua", attempt: 0), at: 0)
    for round in 0..<2 {
      record.add(.subTestStarted(file: "a.lua", path: ["o"], location: SampleRun.at(1)), at: 1)
      record.add(.subTestStarted(file: "a.lua", path: ["o", "i"], location: SampleRun.at(2)), at: 1)
      guard round == 0 else { break }
      for path in [["o", "i"], ["o"]] {
        record.add(.subTestEnded(file: "a.lua", result: SampleRun.test(path, .passed)), at: 2)
      }
    }
    let ordered = TestTree.ordered(record.results[0].subTests)
    #expect(ordered.map(\.title) == ["o", "o / i", "o #2", "o #2 / i"])
    #expect(ordered.map(\.result.outcome.name) == ["passed", "passed", "failed", "failed"])
  }
}
