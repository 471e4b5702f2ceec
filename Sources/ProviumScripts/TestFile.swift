import ProviumEvents
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
  /// The name without the kernel.
  package let plainName: String
  /// The kernel that the run was told to boot, as the user named it; nil: it was not told.
  package private(set) var kernel: String?

  package init(name: String, path: String, root: String, suite: String? = nil) {
    self.name = name
    plainName = name
    self.path = path
    self.root = root
    self.suite = suite
  }

  /// - Parameter file: The file without a kernel.
  private init(_ file: TestFile, on kernel: String, isNamed: Bool) {
    name = isNamed ? MatrixCell.name(file.plainName, on: kernel) : file.plainName
    plainName = file.plainName
    path = file.path
    root = file.root
    suite = file.suite
    self.kernel = kernel
  }

  /// The same file on a kernel.
  /// - Parameter isNamed: The name ends in the kernel's: the file also runs on others.
  package func on(_ kernel: String, isNamed: Bool) -> TestFile {
    TestFile(self, on: kernel, isNamed: isNamed)
  }

  /// The path as error messages show it: relative to the current directory if it is below it.
  package var displayPath: String { Files.display(path) }
}
