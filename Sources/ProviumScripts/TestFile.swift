import ProviumSystem

/// A file with tests, as a test source found it.
package struct TestFile: Sendable, Hashable {
  /// The name in reports, unique in a run: the path relative to the tests' root, or to the project's folder
  /// if a run has several roots.
  package let name: String
  /// The absolute path.
  package let path: String
  /// The absolute path of the tests' root: the folder that was given, or the folder of the file that was
  /// given.
  package let root: String
  /// The name of the suite that the file belongs to; nil for a script.
  package let suite: String?

  package init(name: String, path: String, root: String, suite: String? = nil) {
    self.name = name
    self.path = path
    self.root = root
    self.suite = suite
  }

  /// The path as error messages show it: relative to the current directory if it is below it.
  package var displayPath: String { Files.display(path) }
}
