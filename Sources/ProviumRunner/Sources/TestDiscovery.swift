import ProviumRuntime
import ProviumScripts
import ProviumSystem

/// Finds Lua test files: every `.lua` file under the given paths, except below a folder named `fixtures`, below a shared
/// folder of fixtures, and files that begin with `_`.
package enum TestDiscovery {
  /// Why the given paths lead to no test file.
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

  /// Finds all files under `paths`, each once, in alphabetical order of their names within each path.
  /// - Parameters:
  ///   - project: The folder of `provium.toml`.
  ///   - fixtureFolders: The shared folders of fixtures, absolute: scripts below them are not tests.
  package static func find(
    _ paths: [String],
    from directory: String = Files.currentDirectory,
    project: String,
    fixtureFolders: [String] = []
  ) throws -> DiscoveredFiles {
    guard !paths.isEmpty else { throw Failure.noPaths }
    var seen: Set<String> = []
    var files: [TestFile] = []
    for given in paths {
      // Two arguments can name different files and be equal as plain strings.
      let path = Files.normalize(PathText.canonical(Files.resolve(given, against: directory)))
      guard Files.exists(path) else { throw Failure.missing(path: given) }
      let found: [TestFile]
      if Files.isDirectory(path) {
        found = try walk(path, prefix: "", root: path, except: Set(fixtureFolders))
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
    guard Set(files.map(\.root)).count > 1 else { return DiscoveredFiles(files: files) }
    // `unit/boot.lua` and `system/boot.lua` would both be `boot.lua`.
    return DiscoveredFiles(
      files: files.map { file in
        TestFile(name: Files.display(file.path, from: project), path: file.path, root: file.root)
      }
    )
  }

  private static func walk(_ folder: String, prefix: String, root: String, except fixtures: Set<String>)
    throws
    -> [TestFile]
  {
    var files: [TestFile] = []
    for name in try Files.list(folder) where !name.hasPrefix(".") {
      let path = "\(folder)/\(name)"
      if Files.isDirectory(path) {
        guard name != "fixtures", !fixtures.contains(path) else { continue }
        files += try walk(path, prefix: "\(prefix)\(name)/", root: root, except: fixtures)
      } else if name.hasSuffix(".lua"), !name.hasPrefix("_") {
        files.append(TestFile(name: prefix + name, path: path, root: root))
      }
    }
    return files
  }
}
