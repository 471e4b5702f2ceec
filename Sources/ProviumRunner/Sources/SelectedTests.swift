import ProviumRuntime
import ProviumScripts

/// A selection applied to one file: the sub-tests that run, and those that only contain some that do.
///
/// A selected sub-test is reached by running those around it. Reading the source finds them. Where a name or tags are computed,
/// reading cannot tell, and a sub-test that may contain a selected one runs.
struct SelectedTests: Sendable {
  private let selection: TestSelection
  /// Sub-tests that contain a selected one, or may.
  private var containers: Set<[String]> = []
  /// Sub-tests that reading found.
  private let known: Set<[String]>
  /// A sub-test with a computed name may contain a selected one.
  private var isUnseenContainer = false
  /// Whether anything in the file can be selected. A file without visible sub-tests that loads others may get some from them.
  private(set) var mayRun = true

  init(_ selection: TestSelection, in script: ScannedScript) {
    self.selection = selection
    known = Set(script.listed.map(\.path))
    guard !selection.isEverything, selection.cases == nil else { return }
    let hasSelected = script.tests.reduce(false) { found, test in holds(test, in: [], tags: []) || found }
    let isUnknown = script.error != nil || script.tests.isEmpty && (script.loadsOthers || !selection.asksFor)
    mayRun = hasSelected || isUnknown
  }

  /// The selection as the running script applies it.
  var filter: SubTestFilter {
    SubTestFilter(isScriptSelected: selection.cases != nil) { decide(path: $0, tags: $1, isSlow: $2) }
  }

  /// Whether `test` or one inside it is selected, as far as reading tells. Notes the containers on the way.
  /// - Parameter path: The names of the sub-tests around it; nil if one of them has a computed name.
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
    // A test in a loop runs often: with ordinals that reading does not see.
    let namesFit = own.map { selection.namesFit($0) || test.isConditional && selection.namesOrdinal(of: $0) }
    let isSelected =
      namesFit ?? true && (test.hasComputedTags || selection.tagsFit(tags))
    // A program in the test may print results of its own: only a run shows them.
    let mayPrint = test.children.isEmpty && own.map(namesOneInside) == true
    return isSelected || holdsSelected || mayPrint
  }

  /// Decides whether a sub-test that the running script defines runs.
  /// - Parameters:
  ///   - path: The names from the outermost sub-test inwards.
  ///   - tags: The tags of the sub-test and of those around it.
  func decide(path: [String], tags: [String], isSlow: Bool) -> SubTestFilter.Decision {
    if let cases = selection.cases {
      return cases.includes(path) ? orSkip(cases.isContainer(path) ? .contain : .run, isSlow) : .leaveOut
    }
    if selection.isExcluded(tags) { return .leaveOut }
    if selection.namesFit(path), selection.tagsFit(tags) { return orSkip(.run, isSlow) }
    return mayHold(path) ? orSkip(.contain, isSlow) : .leaveOut
  }

  private func orSkip(_ decision: SubTestFilter.Decision, _ isSlow: Bool) -> SubTestFilter.Decision {
    isSlow && !selection.includesSlow ? .skip("slow (run with --include-slow)") : decision
  }

  private func mayHold(_ path: [String]) -> Bool {
    if containers.contains(path) { return true }
    return namesOneInside(path) || isUnseenContainer && !known.contains(path)
  }

  /// A whole name selects a sub-test also where reading does not see it.
  private func namesOneInside(_ path: [String]) -> Bool {
    let start = path.joined(separator: " / ") + " / "
    return selection.names.contains { $0.hasPrefix(start) }
  }
}
