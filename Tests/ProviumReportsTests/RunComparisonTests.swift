import ProviumEvents
import Testing

@testable import ProviumReports

@Suite("The comparison of two runs") struct RunComparisonTests {
  private func file(_ name: String, _ tests: [(String, Outcome)]) -> FileResult {
    let location = ScriptLocation(file: name, line: 1)
    return FileResult(
      file: name,
      outcome: .passed,
      subTests: tests.map { path, outcome in
        SubTestResult(
          path: path.split(separator: "/").map(String.init),
          outcome: outcome,
          duration: 0,
          location: location
        )
      },
      duration: 1
    )
  }
  private func failed(_ kind: FailureKind = .assertion) -> Outcome {
    .failed(Failure(kind: kind, message: "no"))
  }

  @Test("names new failures, new skips and fixed tests, and counts what fails as before") func kinds() {
    let before = [
      file(
        "a",
        [
          ("same", failed()), ("broken", .passed), ("gone", .passed), ("mended", failed()),
          ("quiet", .passed),
        ]
      )
    ]
    let now = [
      file(
        "a",
        [
          ("same", failed()), ("broken", failed()), ("gone", .skipped(reason: "x")), ("mended", .passed),
          ("quiet", .passed), ("added", failed()),
        ]
      )
    ]
    let comparison = RunComparison(from: before, to: now)
    #expect(comparison.newFailures.map(\.name) == ["a / broken", "a / added"])
    #expect(comparison.newSkips.map(\.name) == ["a / gone"])
    #expect(comparison.fixed.map(\.name) == ["a / mended"])
    #expect(comparison.stillFailing == 1)
    #expect(comparison.lines.contains("  a / added: not there -> failed"))
    #expect(comparison.lines.contains("  a / broken: passed -> failed"))
  }

  @Test("does not count a test a second time that fails by its inner tests alone") func inner() {
    let comparison = RunComparison(
      from: [],
      to: [file("a", [("outer/inner", failed()), ("outer", failed(.inner))])]
    )
    #expect(comparison.newFailures.map(\.name) == ["a / outer / inner"])
  }

  @Test("finds a file that failed outside its sub-tests, and tells infrastructure errors alone") func files()
  {
    var broken = file("b", [("x", .passed)])
    broken.outcome = failed(.infrastructure)
    let comparison = RunComparison(from: [file("b", [("x", .passed)])], to: [broken])
    #expect(comparison.newFailures.map(\.name) == ["b"])
    #expect(comparison.hasInfrastructureErrorsAlone)
    #expect(RunComparison(from: [broken], to: [broken]).lines == ["failing as before: 1"])
    #expect(RunComparison(from: [], to: [file("c", [("x", .passed)])]).lines == ["nothing changed"])
  }
}
