import ProviumSystem

/// A file with tests, as a test source found it.
package struct TestFile: Sendable, Hashable {
  /// The name in reports, unique in a run: the path relative to the tests' root, or to the project's folder if a run has
  /// several roots. Bytes that are not UTF-8 are shown as `\xFF`.
  package let name: String
  /// The absolute path.
  package let path: String
  /// The absolute path of the tests' root: the folder that was given, or the folder of the file that was given.
  package let root: String

  package init(name: String, path: String, root: String) {
    self.name = name
    self.path = path
    self.root = root
  }

  /// Two files are equal if their names and paths have the same bytes: Unicode has several forms of one text.
  package static func == (left: TestFile, right: TestFile) -> Bool { left.key == right.key }
  package func hash(into hasher: inout Hasher) { hasher.combine(key) }
  private var key: [ExactString] { [name, path, root].map { ExactString($0) } }

  /// The path as error messages show it: relative to the current directory if it is below it.
  package var displayPath: String { Files.display(path) }
}
