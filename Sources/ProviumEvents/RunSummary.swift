/// Counts of a whole run.
package struct RunSummary: Sendable, Codable, Hashable {
  /// Files.
  package var passed = 0
  package var failed = 0
  package var skipped = 0
  package var helpers = 0
  /// Sub-tests.
  package var testsPassed = 0
  package var testsFailed = 0
  package var testsTodo = 0
  package var testsSkipped = 0
  /// Files that failed by a harness fault and passed when tried again.
  package var retried: [String] = []
  /// Seconds.
  package var duration = 0.0
  /// The run was ended before all files had run (Ctrl-C, --fail-fast), and why.
  package var stoppedEarly: String?

  package init() {}

  /// Of these files and their sub-tests.
  package init(counting results: [FileResult]) { for result in results { add(result) } }

  /// Counts one file and its sub-tests. A retry that passed is named.
  package mutating func add(_ result: FileResult) {
    if result.hasFailed {
      failed += 1
    } else if result.isHelper {
      helpers += 1
    } else if result.isSkipped {
      skipped += 1
    } else {
      passed += 1
    }
    if result.attempt > 0, !result.hasFailed { retried.append(result.file) }
    for test in result.subTests {
      switch test.outcome {
      case .passed: testsPassed += 1
      case .failed: testsFailed += 1
      case .todo: testsTodo += 1
      case .skipped: testsSkipped += 1
      }
    }
  }

  /// Something failed, if only in a first attempt: its logs stay.
  package var hasEvidence: Bool { failed > 0 || !retried.isEmpty }
}
