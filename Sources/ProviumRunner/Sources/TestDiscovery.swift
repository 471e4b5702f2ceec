import ProviumRuntime
package import ProviumSystem

/// Finds Lua test files: every `.lua` file under the given paths, except below a folder named `fixtures`.
///
/// Each folder is visited once, also if symbolic links lead to it in several ways or into itself. A folder that is reached without
/// a link keeps its own path.
package struct TestDiscovery {
  /// Why the given paths lead to no test file.
  package enum Failure: Error, Sendable, CustomStringConvertible {
    case missing(path: String)
    case notLua(path: String)
    case notRegular(path: String, kind: FileKind)
    case nothingFound(paths: [String], skipped: [String])
    case noPaths

    package var description: String {
      switch self {
      case .missing(let path): "\(PathText.visible(path)): no such file or folder"
      case .notLua(let path):
        "\(PathText.visible(path)): not a Lua test file (its name does not end in .lua)"
      case .notRegular(let path, let kind): "\(PathText.visible(path)): not a test file: it is \(kind)"
      case .nothingFound(let paths, let skipped):
        (["no test files (*.lua) under \(paths.map(PathText.visible).joined(separator: ", "))"] + skipped)
          .joined(separator: "\n")
      case .noPaths:
        "no tests named: give a file or folder, or set tests = [\"…\"] under [provium] in provium.toml"
      }
    }
  }

  /// The files, each with the number of the given path that led to it.
  private var found: [(given: Int, file: TestFile)] = []
  private var skipped: [String] = []
  private var seen: Set<ExactString> = []
  /// The folders that were visited, without links.
  private var visited: Set<ExactString> = []
  /// Folders to which a symbolic link leads.
  private var linked: [(path: String, root: String, given: Int)] = []

  /// Finds all files under `paths`, each once, sorted by the bytes of their names within each path.
  /// - Parameter project: The folder of `provium.toml`.
  package static func find(
    _ paths: [String],
    from directory: String = Files.currentDirectory,
    project: String
  ) throws -> DiscoveredFiles {
    guard !paths.isEmpty else { throw Failure.noPaths }
    var discovery = TestDiscovery()
    for (number, path) in paths.enumerated() { try discovery.add(path, from: directory, number) }
    while !discovery.linked.isEmpty {
      let (path, root, given) = discovery.linked.removeFirst()
      try discovery.walk(path, root: root, given)
    }
    let files = discovery.found.sorted {
      ($0.given, ExactString($0.file.path)) < ($1.given, ExactString($1.file.path))
    }
    .map(\.file)
    guard !files.isEmpty else { throw Failure.nothingFound(paths: paths, skipped: discovery.skipped) }
    guard Set(files.map { ExactString($0.root) }).count > 1 else {
      return DiscoveredFiles(files: files, skipped: discovery.skipped)
    }
    // `unit/boot.lua` and `system/boot.lua` would both be `boot.lua`.
    let named = files.map { file in
      TestFile(name: Files.display(file.path, from: project), path: file.path, root: file.root)
    }
    return DiscoveredFiles(files: named, skipped: discovery.skipped)
  }

  private mutating func add(_ given: String, from directory: String, _ number: Int) throws {
    let path = Files.normalize(Files.resolve(given, against: directory))
    switch FileKind(of: path) {
    case nil: throw Failure.missing(path: given)
    case .directory: try walk(path, root: path, number)
    case .regular:
      guard Self.isScript(path) else { throw Failure.notLua(path: given) }
      addFile(path, root: Files.parent(of: path), number)
    case let kind?:
      throw Self.isScript(path)
        ? Failure.notRegular(path: given, kind: kind) : Failure.notLua(path: given)
    }
  }

  private static func isScript(_ name: String) -> Bool { Array(name.utf8.suffix(4)) == Array(".lua".utf8) }

  private mutating func addFile(_ path: String, root: String, _ given: Int) {
    guard seen.insert(ExactString(path)).inserted else { return }
    let file = TestFile(name: Files.display(path, from: root), path: path, root: root)
    found.append((given, file))
  }

  private mutating func walk(_ folder: String, root: String, _ given: Int) throws {
    guard visited.insert(ExactString(Files.canonical(folder))).inserted else { return }
    for name in try Files.list(folder) where name.utf8.first != UInt8(ascii: ".") {
      let path = folder == "/" ? "/\(name)" : "\(folder)/\(name)"
      let kind = FileKind(of: path)
      if kind == .directory {
        guard name != "fixtures" else { continue }
        if Files.isSymbolicLink(path) {
          linked.append((path, root, given))
        } else {
          try walk(path, root: root, given)
        }
      } else if Self.isScript(name) {
        if kind == .regular {
          addFile(path, root: root, given)
        } else {
          let reason = kind.map { "it is \($0)" } ?? "it is a broken link"
          skipped.append("\(Files.display(path)) is not run: \(reason)")
        }
      }
    }
  }
}
