package import ProviumEvents
import ProviumSystem

/// The differences between an earlier run and this one, test by test. Tests that fail only by their inner tests are left out.
package struct RunComparison: Sendable {
  /// A test whose outcome is not what it was.
  package struct Change: Sendable, Hashable {
    /// `file / outer / inner`.
    package let name: String
    /// The earlier outcome; nil: the test was not in the earlier run.
    package let before: String?
    package let now: String
    let failure: Failure?
  }

  package private(set) var newFailures: [Change] = []
  package private(set) var fixed: [Change] = []
  package private(set) var newSkips: [Change] = []
  /// Tests that failed before and fail now.
  package private(set) var stillFailing = 0

  package init(from earlier: [FileResult], to results: [FileResult]) {
    let before = Self.outcomes(earlier).reduce(into: [:]) { $0[$1.name] = $1.outcome }
    for (name, outcome) in Self.outcomes(results) {
      let known = before[name]
      let change = Change(name: name, before: known?.name, now: outcome.name, failure: outcome.failure)
      switch (known, outcome) {
      case (.failed?, .failed): stillFailing += 1
      case (_, .failed): newFailures.append(change)
      case (.failed?, .passed): fixed.append(change)
      case (.passed?, .skipped), (.failed?, .skipped): newSkips.append(change)
      default: break
      }
    }
  }

  /// Whether infrastructure errors are all that is new.
  package var hasInfrastructureErrorsAlone: Bool {
    !newFailures.isEmpty && newFailures.allSatisfy { $0.failure?.kind == .infrastructure }
  }

  /// The changes, one line each, after a line for each kind.
  package var lines: [String] {
    func section(_ title: String, _ changes: [Change]) -> [String] {
      guard !changes.isEmpty else { return [] }
      return ["\(title): \(changes.count)"]
        + changes.map { change in
          "  \(HarmlessText.line(change.name)): \(change.before ?? "not there") -> \(change.now)"
        }
    }
    let lines =
      section("new failures", newFailures) + section("new skips", newSkips) + section("fixed", fixed)
      + (stillFailing > 0 ? ["failing as before: \(stillFailing)"] : [])
    return lines.isEmpty ? ["nothing changed"] : lines
  }

  /// Every test with an outcome of its own. A file counts where something outside its sub-tests failed, or where it has none.
  private static func outcomes(_ results: [FileResult]) -> [(name: String, outcome: Outcome)] {
    results.flatMap { result -> [(String, Outcome)] in
      let tests = TestTree.ordered(result.subTests).map {
        ("\(result.file) / \($0.title)", $0.result.outcome)
      }
      let own = result.outcome.isFailure || tests.isEmpty ? [(result.file, result.outcome)] : []
      return (own + tests).filter { $0.1.failure?.kind != .inner }
    }
  }
}
