/// Which sub-tests run, as asked for. What that means for one file is a `SelectedTests`.
package struct TestSelection: Sendable, Hashable {
  /// `--test NAME`: the whole name (`outer / inner`), or a part of it. Empty: all.
  package var names: [String] = []
  /// `--tag`: at least one of these. Empty: all.
  package var tags: [String] = []
  /// `--no-tag`: none of these.
  package var excludedTags: [String] = []
  /// `--include-slow`.
  package var includesSlow = false
  /// What a runner of native cases chose, case by case; nil: nothing was chosen that way.
  package var exact: CaseSelection?

  package init() {}

  /// What becomes of a sub-test.
  package enum Decision: Sendable, Hashable {
    case run
    /// Not selected itself; its body runs for the sake of a selected test inside, and only a failure of it is told.
    case contain
    /// Shown as skipped, with the reason.
    case skip(String)
    /// Not of this run at all.
    case leaveOut
  }

  /// Nothing is narrowed: every sub-test runs.
  package var isEverything: Bool { !asksFor && excludedTags.isEmpty && exact == nil }

  /// Names or tags say what is wanted: the rest is not.
  package var asksFor: Bool { !names.isEmpty || !tags.isEmpty }

  func namesFit(_ path: [String]) -> Bool {
    guard !names.isEmpty else { return true }
    let name = path.joined(separator: " / ")
    return names.contains { name.contains($0) }
  }

  /// - Parameter all: of the test and of those around it.
  func tagsFit(_ all: [String]) -> Bool { tags.isEmpty || tags.contains(where: all.contains) }

  func isExcluded(_ all: [String]) -> Bool { excludedTags.contains(where: all.contains) }
}
