/// Which sub-tests of a file run.
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
    /// Shown as skipped, with the reason.
    case skip(String)
    /// Not of this run at all.
    case leaveOut
  }

  /// - Parameters:
  ///   - path: from the outermost sub-test inwards.
  ///   - inheritedTags: those of the sub-tests around it.
  package func decide(path: [String], tags: [String], isSlow: Bool) -> Decision {
    if let exact {
      guard exact.includes(path) else { return .leaveOut }
      return isSlow && !includesSlow ? .skip("slow") : .run
    }
    if !names.isEmpty {
      let name = path.joined(separator: " / ")
      guard names.contains(where: { name.contains($0) || ($0.hasPrefix(name + " / ")) }) else {
        return .leaveOut
      }
    }
    let all = Set(tags)
    if !excludedTags.isEmpty, !all.isDisjoint(with: excludedTags) { return .leaveOut }
    if !self.tags.isEmpty, all.isDisjoint(with: self.tags) {
      // An untagged outer test may hold tagged inner ones.
      return path.count == 1 && tags.isEmpty ? .run : .leaveOut
    }
    if isSlow, !includesSlow { return .skip("slow (run with --include-slow)") }
    return .run
  }

  /// Nothing is narrowed: every sub-test runs.
  package var isEverything: Bool {
    names.isEmpty && tags.isEmpty && excludedTags.isEmpty && exact == nil
  }
}
