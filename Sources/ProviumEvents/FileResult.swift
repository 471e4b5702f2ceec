package import ProviumJSON

/// The result of one test file that has ended.
package struct FileResult: Sendable, Hashable, JSONFlattened {
  /// Relative to the tests' root, with `/`.
  package var file: String
  /// The number of earlier attempts: the file was run again after infrastructure errors.
  package var attempt = 0
  /// The outcome of the script outside its sub-tests. `passed` even when sub-tests failed.
  package var outcome: Outcome
  /// In seconds.
  package var duration: Double
  /// The text that the script printed outside sub-tests.
  @EmptyWhenAbsent package var output: String = ""
  /// Whether the file defined no sub-test and booted no VM: it is a helper, not a test.
  @EmptyWhenAbsent package var isHelper: Bool = false
  /// The kernel that the run was told to boot, as the user named it; empty: it was not told.
  @OmittedWhenEmpty package var kernel: String = ""
  /// The path of the file's log; nil when no log was kept.
  package var logPath: String?
  @EmptyWhenAbsent package var subTests: [SubTestResult] = []

  private enum CodingKeys: String, CodingKey {
    case file, attempt, outcome, duration, output
    case isHelper = "helper"
    case kernel
    case logPath = "log"
    case subTests = "tests"
  }

  package init(file: String, outcome: Outcome, subTests: [SubTestResult], duration: Double) {
    self.file = file
    self.outcome = outcome
    self.duration = duration
    self.subTests = subTests
  }

  package var hasFailed: Bool { outcome.isFailure || subTests.contains { $0.outcome.isFailure } }
  /// Whether every failure in the file is an infrastructure error: the code under test was not judged, and
  /// another attempt may help. An outer test that failed by its inner ones has no failure of its own.
  package var failedByInfrastructureAlone: Bool {
    let failures = ([outcome] + subTests.map(\.outcome)).compactMap(\.failure).filter { $0.kind != .inner }
    return !failures.isEmpty && failures.allSatisfy { $0.kind == .infrastructure }
  }
  /// Whether the whole file was skipped, and nothing in it ran.
  package var isSkipped: Bool {
    if case .skipped = outcome { return subTests.isEmpty }
    return false
  }
}
