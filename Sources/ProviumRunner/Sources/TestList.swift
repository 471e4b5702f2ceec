import ProviumRuntime
import ProviumScripts

/// The selected tests of a test file, found by reading it.
package struct TestList: Sendable {
  /// One test.
  package struct Entry: Sendable, Hashable, Codable {
    package var file: String
    /// The kernel that was named for the run; nil: none was.
    package let kernel: String?
    /// The whole name: `outer / inner`.
    package let name: String
    package let line: Int
    package let tags: [String]
    package let isSlow: Bool
    /// Why the test will not run, if the source says so.
    package let exempt: String?
  }

  /// The name and the tags of a test, selected or not.
  struct Label: Sendable {
    let name: String
    let lastName: String
    let tags: [String]
  }

  package let entries: [Entry]
  /// Some tests have names that only running the file reveals.
  package let hasMore: Bool
  /// Why the file does not parse.
  package let complaint: String?
  /// False if no test of the file can be selected.
  package let mayRun: Bool
  /// Every test that reading finds, selected or not: for hints.
  let labels: [Label]

  /// Lists the tests of a Lua file.
  init(_ file: TestFile, _ script: ScannedScript, _ selection: TestSelection) {
    let selected = SelectedTests(selection, in: script)
    entries = script.listed.compactMap { listed in
      switch selected.decide(path: listed.path, tags: listed.tags, isSlow: listed.test.isSlow) {
      case .run, .skip: break
      // Only running the file shows whether computed tags match.
      case .contain, .leaveOut: guard listed.test.hasComputedTags else { return nil }
      }
      return Entry(
        file: file.name,
        kernel: file.kernel,
        name: listed.name,
        line: listed.test.line,
        tags: listed.test.tags,
        isSlow: listed.test.isSlow,
        exempt: Self.text(listed.test.exemption)
      )
    }
    hasMore = script.hasDynamicTests
    complaint = script.error.map { "\($0)" }
    mayRun = selected.mayRun
    labels = script.listed.map { Label(name: $0.name, lastName: $0.path.last ?? "", tags: $0.tags) }
  }

  private static func text(_ exemption: ScannedTest.Exemption?) -> String? {
    switch exemption {
    case .skip(let reason): reason.map { "skip: \($0)" } ?? "skip"
    case .todo(let reason): reason.map { "todo: \($0)" } ?? "todo"
    case nil: nil
    }
  }
}
