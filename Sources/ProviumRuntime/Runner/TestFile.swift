import ProviumSystem

/// A Lua test file, as found.
package struct TestFile: Sendable, Hashable {
  /// By which reports know it, unique in a run: relative to the tests' root, with `/`; to the project's folder where a run
  /// has several roots.
  package let name: String
  /// Absolute.
  package let path: String
  /// The tests' root: the path that was given, or the folder of the file that was given. Absolute.
  package let root: String

  package init(name: String, path: String, root: String) {
    self.name = name
    self.path = path
    self.root = root
  }

  /// The path as error messages show it: against the current directory where it lies below it.
  package var displayPath: String { Self.display(path) }

  package static func display(_ path: String, from directory: String = Files.currentDirectory) -> String {
    path.hasPrefix(directory + "/") ? String(path.dropFirst(directory.count + 1)) : path
  }
}

/// Finds test files: every `.lua` under the given paths, except below a folder named `fixtures` and files that
/// begin with `_`.
package enum TestDiscovery {
  /// A path that the user named and that is not there, or is no Lua file.
  package enum Failure: Error, Sendable, CustomStringConvertible {
    case missing(path: String)
    case notLua(path: String)
    case nothingFound(paths: [String])
    case noPaths

    package var description: String {
      switch self {
      case .missing(let path): "\(path): no such file or folder"
      case .notLua(let path): "\(path): not a Lua test file (its name does not end in .lua)"
      case .nothingFound(let paths): "no test files (*.lua) under \(paths.joined(separator: ", "))"
      case .noPaths:
        "no tests named: give a file or folder, or set tests = [\"…\"] under [provium] in provium.toml"
      }
    }
  }

  /// All files under `paths`, each once, in alphabetical order of their names within each path.
  /// - Parameter project: the folder of `provium.toml`.
  package static func find(
    _ paths: [String],
    from directory: String = Files.currentDirectory,
    project: String
  ) throws -> [TestFile] {
    guard !paths.isEmpty else { throw Failure.noPaths }
    var seen: Set<String> = []
    var files: [TestFile] = []
    for given in paths {
      let path = normalize(Files.resolve(given, against: directory))
      guard Files.exists(path) else { throw Failure.missing(path: given) }
      let found: [TestFile]
      if Files.isDirectory(path) {
        found = try walk(path, prefix: "", root: path)
      } else {
        guard path.hasSuffix(".lua") else { throw Failure.notLua(path: given) }
        let root = Files.parent(of: path)
        found = [
          TestFile(name: String(path.dropFirst(root.count + (root == "/" ? 0 : 1))), path: path, root: root)
        ]
      }
      files += found.filter { seen.insert($0.path).inserted }
    }
    guard !files.isEmpty else { throw Failure.nothingFound(paths: paths) }
    guard Set(files.map(\.root)).count > 1 else { return files }
    // `unit/boot.lua` and `system/boot.lua` would both be `boot.lua`.
    return files.map { file in
      TestFile(name: TestFile.display(file.path, from: project), path: file.path, root: file.root)
    }
  }

  private static func walk(_ folder: String, prefix: String, root: String) throws -> [TestFile] {
    var files: [TestFile] = []
    for name in try Files.list(folder) where !name.hasPrefix(".") {
      let path = "\(folder)/\(name)"
      if Files.isDirectory(path) {
        if name != "fixtures" { files += try walk(path, prefix: "\(prefix)\(name)/", root: root) }
      } else if name.hasSuffix(".lua"), !name.hasPrefix("_") {
        files.append(TestFile(name: prefix + name, path: path, root: root))
      }
    }
    return files
  }

  /// Without `.`, `..` and doubled or trailing slashes; links are left alone.
  package static func normalize(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }
}
