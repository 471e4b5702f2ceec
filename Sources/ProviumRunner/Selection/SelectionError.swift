import ProviumSystem

/// Why no test is left to run.
package enum SelectionError: Error, CustomStringConvertible {
  case noneMatch([String])
  case noSubTest(UnknownTest)
  case nothingChanged(String)
  case noneFailed
  case noRevision(String, repository: String)
  case noDurations(String)

  package var description: String {
    switch self {
    case .noneMatch(let filters):
      "no test file's path contains \(filters.map { "'\($0)'" }.joined(separator: " or "))"
    case .noSubTest(let test): test.description
    case .nothingChanged(let revision): "no test file changed since \(revision)"
    case .noneFailed: "no test file failed when it last ran (or none has run yet)"
    case .noRevision(let revision, let repository):
      "--since: '\(revision)' is not a revision of \(repository)"
    case .noDurations(let path):
      "--durations: \(path) has none of these files: it must be the --json of a run of the same tests"
    }
  }
}

/// A selection that matches no sub-test, described by the user's own words.
package struct UnknownTest: Sendable, CustomStringConvertible {
  package let description: String

  /// - Parameter lists: The sub-tests of the suite, for hints.
  init(_ selection: TestSelection, in lists: [TestList] = []) {
    func quoted(_ words: [String]) -> String { words.map { "'\($0)'" }.joined(separator: " or ") }
    func hint(_ unknown: [String], _ known: [String]) -> String {
      unknown.lazy.map { NearestName.hint(for: $0, among: known) }.first { !$0.isEmpty } ?? ""
    }
    let labels = lists.flatMap(\.labels)
    let names = labels.flatMap { [$0.name, $0.lastName] }
    var conditions: [String] = []
    if !selection.names.isEmpty {
      let hint = hint(selection.names.filter { name in !names.contains { $0.contains(name) } }, names)
      conditions.append("whose name contains \(quoted(selection.names))\(hint)")
    }
    if !selection.tags.isEmpty {
      let tags = labels.flatMap(\.tags)
      let hint = hint(selection.tags.filter { !tags.contains($0) }, tags)
      conditions.append("with the tag \(quoted(selection.tags))\(hint)")
    }
    if !selection.excludedTags.isEmpty {
      conditions.append("without the tag \(quoted(selection.excludedTags))")
    }
    description = "there is no sub-test \(conditions.joined(separator: ", "))"
  }
}
