package import ProviumLua

/// What a selection means for one file: which of its sub-tests run, and which merely hold some that do.
///
/// To come to a selected sub-test, those around it have to run. Reading the source tells which they are. Where a name or
/// tags are computed, reading cannot tell, and what may hold a selected sub-test is run to find out.
package struct SelectedTests: Sendable {
  private let selection: TestSelection
  /// Tests that hold a selected one, or may.
  private var containers: Set<[String]> = []
  /// Tests that reading has found.
  private let known: Set<[String]>
  /// A test with a computed name may hold a selected one.
  private var isUnseenContainer = false
  /// Whether anything of the file can be selected. A file without visible tests that loads others may get some from there.
  package private(set) var mayRun = true

  package init(_ selection: TestSelection, in script: ScannedScript) {
    self.selection = selection
    known = Set(script.listed.map(\.path))
    guard !selection.isEverything, selection.exact == nil else { return }
    let hasSelected = script.tests.reduce(false) { found, test in holds(test, in: [], tags: []) || found }
    let isUnknown = script.error != nil || script.tests.isEmpty && (script.loadsOthers || !selection.asksFor)
    mayRun = hasSelected || isUnknown
  }

  /// Whether `test` or one inside it is selected, as far as reading tells; notes the containers on the way.
  /// - Parameter path: of the tests around it; nil: one of them has a computed name.
  private mutating func holds(_ test: ScannedTest, in path: [String]?, tags: [String]) -> Bool {
    let tags = tags + test.tags
    guard !selection.isExcluded(tags) else { return false }
    var own: [String]?
    if let path, case .literal(let name) = test.name { own = path + [name] }
    let holdsSelected = test.children.reduce(false) { found, child in
      holds(child, in: own, tags: tags) || found
    }
    if holdsSelected {
      if let own { containers.insert(own) } else { isUnseenContainer = true }
    }
    let isSelected =
      own.map(selection.namesFit) ?? true && (test.hasComputedTags || selection.tagsFit(tags))
    return isSelected || holdsSelected
  }

  /// What becomes of a sub-test that the running script defines.
  /// - Parameters:
  ///   - path: from the outermost sub-test inwards.
  ///   - tags: its own, and those of the sub-tests around it.
  func decide(path: [String], tags: [String], isSlow: Bool) -> TestSelection.Decision {
    if let exact = selection.exact {
      return exact.includes(path) ? orSkip(exact.isContainer(path) ? .contain : .run, isSlow) : .leaveOut
    }
    if selection.isExcluded(tags) { return .leaveOut }
    if selection.namesFit(path), selection.tagsFit(tags) { return orSkip(.run, isSlow) }
    return mayHold(path) ? orSkip(.contain, isSlow) : .leaveOut
  }

  private func orSkip(_ decision: TestSelection.Decision, _ isSlow: Bool) -> TestSelection.Decision {
    isSlow && !selection.includesSlow ? .skip("slow (run with --include-slow)") : decision
  }

  private func mayHold(_ path: [String]) -> Bool {
    if containers.contains(path) { return true }
    // A full name leads to a test also where reading does not see it.
    let start = path.joined(separator: " / ") + " / "
    return selection.names.contains { $0.hasPrefix(start) } || isUnseenContainer && !known.contains(path)
  }
}
