/// Decides which sub-tests of a script run.
package struct SubTestFilter: Sendable {
  /// The decision on a sub-test that the running script defines.
  package enum Decision: Sendable, Hashable {
    case run
    /// Run because a selected sub-test is inside it; reported only if it fails.
    case contain
    /// Reported as skipped, with this reason.
    case skip(String)
    /// Neither run nor reported.
    case leaveOut
  }

  /// Decides by the path (from the outermost sub-test inwards), by the tags of the sub-test and those around
  /// it, and by whether it is marked slow.
  package let decide: @Sendable (_ path: [String], _ tags: [String], _ isSlow: Bool) -> Decision
  /// Whether the script itself is a test: it is then not skipped if none of its sub-tests is selected.
  package let isScriptSelected: Bool

  package init(
    isScriptSelected: Bool = false,
    decide: @escaping @Sendable (_ path: [String], _ tags: [String], _ isSlow: Bool) -> Decision
  ) {
    self.isScriptSelected = isScriptSelected
    self.decide = decide
  }

  /// Runs every sub-test.
  package static let all = SubTestFilter { _, _, _ in .run }
}
