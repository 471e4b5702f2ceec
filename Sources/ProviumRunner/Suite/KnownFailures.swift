import Glibc
package import ProviumEvents
package import ProviumRuntime
import ProviumSystem

/// The failures that a project knows of, applied to results: such a failure counts as to do, and not as failed. A pure value.
///
/// An infrastructure error is never a known failure: the test was not judged.
package struct KnownFailures: Sendable {
  package let entries: [KnownFailure]
  private let today: KnownFailure.Day

  package init(_ entries: [KnownFailure], today: KnownFailure.Day = Self.today()) {
    self.entries = entries
    self.today = today
  }

  /// The day on this host, in its time zone.
  package static func today() -> KnownFailure.Day {
    var now = time(nil)
    var parts = tm()
    localtime_r(&now, &parts)
    return KnownFailure.Day(
      year: Int(parts.tm_year) + 1900,
      month: Int(parts.tm_mon) + 1,
      day: Int(parts.tm_mday)
    )
  }

  // MARK: Results

  /// Replaces the known failures of a file's result. A test that failed only by inner tests that are known passes. Idempotent.
  package func applied(to result: FileResult) -> FileResult {
    guard !entries.isEmpty else { return result }
    var result = result
    result.outcome = applied(to: result.outcome, named: result.file)
    for index in result.subTests.indices {
      let test = result.subTests[index]
      result.subTests[index].outcome = applied(to: test.outcome, named: "\(result.file) / \(test.name)")
    }
    let failed = result.subTests.filter { $0.outcome.failure.map { $0.kind != .inner } ?? false }.map(\.path)
    for index in result.subTests.indices {
      let test = result.subTests[index]
      guard test.outcome.failure?.kind == .inner,
        !failed.contains(where: { $0.count > test.path.count && $0.starts(with: test.path) })
      else { continue }
      result.subTests[index].outcome = .passed
    }
    return result
  }

  /// - Parameter name: `file / outer / inner`.
  package func applied(to outcome: Outcome, named name: String) -> Outcome {
    guard let failure = outcome.failure, failure.kind != .inner, failure.kind != .infrastructure,
      let entry = entries.first(where: { $0.until >= today && $0.names(name) })
    else { return outcome }
    return .todo(reason: Self.reason(of: entry))
  }

  private static func reason(of entry: KnownFailure) -> String {
    "known failure until \(entry.until): \(entry.reason)"
  }

  // MARK: Stale entries

  /// The entries that are of no use any more, one line each: their day has passed, or every test that they name passed.
  /// - Parameters:
  ///   - results: of a run, after `applied(to:)`.
  ///   - isComplete: all tests of the project ran, so that an entry without any test is noticed.
  package func stale(in results: [FileResult], isComplete: Bool) -> [String] {
    entries.compactMap { entry in
      var outcomes: [Outcome] = []
      for result in results {
        if entry.names(result.file) { outcomes.append(result.outcome) }
        outcomes += result.subTests.filter { entry.names("\(result.file) / \($0.name)") }.map(\.outcome)
      }
      if entry.until < today {
        return "known.\(entry.name) is out of date since \(entry.until): \(entry.reason)"
      }
      if outcomes.isEmpty { return isComplete ? "known.\(entry.name) names no test of this run" : nil }
      return outcomes.allSatisfy { $0 == .passed }
        ? "known.\(entry.name) is stale: all \(outcomes.count) tests that it names passed" : nil
    }
  }
}

extension KnownFailure {
  /// Whether a test with that whole name is meant.
  fileprivate func names(_ name: String) -> Bool { tests.contains { FilePattern.matches($0, name) } }
}
