/// Sub-tests as a runner of native cases (Swift Testing, XCTest) selected them.
///
/// Reading a script does not find every sub-test: names made in a loop, tests in a condition. Those have no case of their own;
/// they belong to the case of the listed test around them, or else to that of the script.
package struct CaseSelection: Sendable, Hashable {
  /// Paths of the sub-tests that have a case of their own.
  private let listed: Set<[String]>
  private let selected: Set<[String]>
  /// The case of the script is selected.
  private let includesScript: Bool

  package init(listed: Set<[String]>, selected: Set<[String]>, includesScript: Bool) {
    self.listed = listed
    self.selected = selected
    self.includesScript = includesScript
  }

  package func includes(_ path: [String]) -> Bool {
    // An outer test runs for the sake of a selected inner one.
    if listed.contains(path) { return selected.contains { $0.starts(with: path) } }
    if let owner = owner(of: path) { return selected.contains(owner) }
    return includesScript
  }

  /// Runs for the sake of inner ones alone.
  package func isContainer(_ path: [String]) -> Bool { listed.contains(path) && !selected.contains(path) }

  /// The innermost listed test around a sub-test that is not listed.
  package func owner(of path: [String]) -> [String]? {
    path.indices.reversed().lazy.map { Array(path[..<$0]) }.first { listed.contains($0) }
  }
}
