import ProviumSystem
import Synchronization
import Testing

/// Notices the issues of a test case that has a VM by its trait, so that the VM can be kept. Thread-safe.
final class IssueWatch: Sendable {
  /// Of the test case that runs; nil: no trait watches it.
  @TaskLocal static var current: IssueWatch?

  private let first = Mutex<String?>(nil)

  /// The first issue that fails the test case; nil: there was none.
  var failure: String? { first.withLock { $0 } }

  /// Runs a test case, whose issues are recorded as without the watch.
  func observe(_ test: Test, _ testCase: Test.Case?, _ function: @Sendable () async throws -> Void)
    async throws
  {
    let trait = IssueHandlingTrait.filterIssues { [self] issue in
      if issue.isFailure {
        first.withLock { if $0 == nil { $0 = HarmlessText.line("\(issue)") } }
      }
      return true
    }
    try await Self.$current.withValue(self) {
      try await trait.provideScope(for: test, testCase: testCase, performing: function)
    }
  }
}
