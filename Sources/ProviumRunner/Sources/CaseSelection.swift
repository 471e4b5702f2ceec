/// The native cases of one file that a test runner (Swift Testing, XCTest) selected.
///
/// Reading a script does not find every sub-test: not those whose names are made in a loop, or that are in a condition. Such a
/// sub-test has no case of its own. It belongs to the case of the listed sub-test around it, or else to the case of the script.
package struct CaseSelection: Sendable, Hashable {
  /// The paths of the sub-tests that have a case of their own.
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
    // An outer sub-test runs if an inner one is selected.
    if listed.contains(path) { return selected.contains { $0.starts(with: path) } }
    if let owner = owner(of: path) { return selected.contains(owner) }
    return includesScript
  }

  /// Whether the sub-test runs only because one inside it is selected.
  package func isContainer(_ path: [String]) -> Bool { listed.contains(path) && !selected.contains(path) }

  /// The innermost listed sub-test around one that is not listed.
  package func owner(of path: [String]) -> [String]? {
    path.indices.reversed().lazy.map { Array(path[..<$0]) }.first { listed.contains($0) }
  }
}
