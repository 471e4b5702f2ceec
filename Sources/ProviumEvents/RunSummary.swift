package import ProviumJSON

/// Counts of a whole run.
package struct RunSummary: Sendable, Hashable, JSONFlattened {
  /// Numbers of files.
  package var passed = 0
  package var failed = 0
  package var skipped = 0
  package var helpers = 0
  /// Numbers of sub-tests.
  package var testsPassed = 0
  package var testsFailed = 0
  package var testsTodo = 0
  package var testsSkipped = 0
  /// Files that failed by an infrastructure error and passed when they were run again.
  @EmptyWhenAbsent package var retried: [String] = []
  /// In seconds.
  package var duration = 0.0
  /// The reason why the run ended before all files had run (Ctrl-C, --fail-fast); nil for a whole run.
  package var stoppedEarly: String?

  private enum CodingKeys: String, CodingKey {
    case passed, failed, skipped, helpers
    case testsPassed = "tests_passed"
    case testsFailed = "tests_failed"
    case testsTodo = "tests_todo"
    case testsSkipped = "tests_skipped"
    case retried, duration
    case stoppedEarly = "stopped_early"
  }

  package init() {}

  /// Counts `results` and their sub-tests.
  package init(counting results: [FileResult]) { for result in results { add(result) } }

  /// Counts one file and its sub-tests. A file that passed in a later attempt is added to `retried`.
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

  /// Whether something failed, if only in a first attempt: its logs are kept.
  package var hasEvidence: Bool { failed > 0 || !retried.isEmpty }
}
