/// The sub-tests that the user asked for. `SelectedTests` applies a selection to one file.
package struct TestSelection: Sendable, Hashable {
  /// `--test NAME`: whole names (`outer / inner`) or parts of them. Empty: all sub-tests.
  package var names: [String] = []
  /// `--tag`: a sub-test needs at least one of these. Empty: all sub-tests.
  package var tags: [String] = []
  /// `--no-tag`: a sub-test has none of these.
  package var excludedTags: [String] = []
  /// `--include-slow`.
  package var includesSlow = false
  /// The native cases that a test runner selected; nil if the selection does not come from native cases.
  package var cases: CaseSelection?

  package init() {}

  /// Every sub-test is selected.
  package var isEverything: Bool { !asksFor && excludedTags.isEmpty && cases == nil }

  /// Only sub-tests with certain names or tags are selected.
  package var asksFor: Bool { !names.isEmpty || !tags.isEmpty }

  func namesFit(_ path: [String]) -> Bool {
    guard !names.isEmpty else { return true }
    let name = path.joined(separator: " / ")
    return names.contains { name.contains($0) }
  }

  /// Whether a name asks for a repetition of this sub-test: `outer / inner #2`.
  func namesOrdinal(of path: [String]) -> Bool {
    let start = path.joined(separator: " / ") + " #"
    return names.contains { $0.contains(start) }
  }

  /// - Parameter all: The tags of the sub-test and of those around it.
  func tagsFit(_ all: [String]) -> Bool { tags.isEmpty || tags.contains(where: all.contains) }

  func isExcluded(_ all: [String]) -> Bool { excludedTags.contains(where: all.contains) }
}
