package import ProviumEvents

extension RunSummary {
  /// Counts files and their sub-tests. A retry that passed is named.
  package init(counting results: [FileResult]) {
    self.init()
    for result in results {
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
      for test in result.subTests { count(test.outcome) }
    }
  }

  private mutating func count(_ outcome: Outcome) {
    switch outcome {
    case .passed: testsPassed += 1
    case .failed: testsFailed += 1
    case .todo: testsTodo += 1
    case .skipped: testsSkipped += 1
    }
  }
}

extension FailureKind {
  /// `kernel report`, `timeout`: what a person calls it.
  package var title: String {
    switch self {
    case .assertion: "assertion"
    case .error: "script error"
    case .harness: "harness"
    case .timeout: "timeout"
    case .splat: "kernel report"
    }
  }
}
