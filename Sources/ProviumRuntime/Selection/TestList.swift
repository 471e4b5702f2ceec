import ProviumLua
import ProviumSystem

/// What reading a test file tells of its selected sub-tests, without running it.
package struct TestList: Sendable {
  /// One sub-test.
  package struct Entry: Sendable, Hashable, Codable {
    package let file: String
    /// `outer / inner`.
    package let name: String
    package let line: Int
    package let tags: [String]
    package let isSlow: Bool
    /// Why it will not run, when that is written in the source.
    package let exempt: String?
  }

  package let entries: [Entry]
  /// Some names are made by running.
  package let hasMore: Bool
  /// Why the file does not parse.
  package let complaint: String?

  package init(_ file: TestFile, _ selection: TestSelection = TestSelection()) throws {
    let script = LuaSourceScanner.scan(try Files.read(file.path))
    let selected = SelectedTests(selection, in: script)
    entries = script.listed.compactMap { listed in
      switch selected.decide(path: listed.path, tags: listed.tags, isSlow: listed.test.isSlow) {
      case .run, .skip: break
      // Whether it fits is known when it runs.
      case .contain, .leaveOut: guard listed.test.hasComputedTags else { return nil }
      }
      return Entry(
        file: file.name,
        name: listed.name,
        line: listed.test.line,
        tags: listed.test.tags,
        isSlow: listed.test.isSlow,
        exempt: Self.text(listed.test.exemption)
      )
    }
    hasMore = script.hasDynamicTests
    complaint = script.error.map { "\($0)" }
  }

  private static func text(_ exemption: ScannedTest.Exemption?) -> String? {
    switch exemption {
    case .skip(let reason): reason.map { "skip: \($0)" } ?? "skip"
    case .todo(let reason): reason.map { "todo: \($0)" } ?? "todo"
    case nil: nil
    }
  }
}
