import ProviumRuntime
import ProviumScripts
package import ProviumSystem

/// Finds Lua test files: every `.lua` file under the given paths, except below a folder named `fixtures` and below a shared
/// folder of fixtures.
///
/// Each folder is visited once, also if symbolic links lead to it in several ways or into itself. A folder that is reached
/// without a link keeps its own path.
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
      case .missing(let path): "\(path): no such file or folder"
      case .notLua(let path): "\(path): not a Lua test file (its name does not end in .lua)"
      case .notRegular(let path, let kind): "\(path): not a test file: it is \(kind)"
      case .nothingFound(let paths, let skipped):
        (["no test files (*.lua) under \(paths.joined(separator: ", "))"] + skipped)
          .joined(separator: "\n")
      case .noPaths:
        "no tests named: give a file or folder, or set tests = [\"…\"] under [provium] in provium.toml"
      }
    }
  }

  private struct Found {
    /// The number of the given path that led to the file.
    let given: Int
    let file: TestFile

    /// Sorts by the bytes of the names on the path, from the outermost folder inwards.
    var order: ByteOrder { ByteOrder(bytes: PathText.bytes(of: file.path)) }
  }

  private struct ByteOrder: Comparable {
    let bytes: [UInt8]
    static func < (left: ByteOrder, right: ByteOrder) -> Bool {
      left.bytes.lexicographicallyPrecedes(right.bytes) { rank($0) < rank($1) }
    }
    /// A folder comes before files whose names begin with its name.
    private static func rank(_ byte: UInt8) -> UInt8 { byte == UInt8(ascii: "/") ? 0 : byte }
  }

  private let fixtureFolders: Set<String>
  private var found: [Found] = []
  private var skipped: [String] = []
  private var seen: Set<String> = []
  /// The folders that were visited, without links.
  private var visited: Set<String> = []
  /// Folders to which a symbolic link leads.
  private var linked: [(path: String, root: String, given: Int)] = []

  private init(fixtureFolders: [String]) { self.fixtureFolders = Set(fixtureFolders) }

  /// Finds all files under `paths`, each once, sorted by the bytes of their names within each path.
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
    var discovery = TestDiscovery(fixtureFolders: fixtureFolders)
    for (number, path) in paths.enumerated() { try discovery.add(path, from: directory, number) }
    while !discovery.linked.isEmpty {
      let (path, root, given) = discovery.linked.removeFirst()
      try discovery.walk(path, root: root, given)
    }
    let files = discovery.found.sorted { ($0.given, $0.order) < ($1.given, $1.order) }.map(\.file)
    guard !files.isEmpty else { throw Failure.nothingFound(paths: paths, skipped: discovery.skipped) }
    guard Set(files.map(\.root)).count > 1 else {
      return DiscoveredFiles(files: files, skipped: discovery.skipped)
    }
    // `unit/boot.lua` and `system/boot.lua` would both be `boot.lua`.
    let named = files.map { file in
      TestFile(name: Files.display(file.path, from: project), path: file.path, root: file.root)
    }
    return DiscoveredFiles(files: named, skipped: discovery.skipped)
  }

  private mutating func add(_ given: String, from directory: String, _ number: Int) throws {
    // Two arguments can name different files and be equal as plain strings.
    let path = Files.normalize(PathText.canonical(Files.resolve(given, against: directory)))
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

  private static func isScript(_ name: String) -> Bool { name.hasSuffix(".lua") }

  private mutating func addFile(_ path: String, root: String, _ given: Int) {
    guard seen.insert(path).inserted else { return }
    let file = TestFile(name: Files.display(path, from: root), path: path, root: root)
    found.append(Found(given: given, file: file))
  }

  private mutating func walk(_ folder: String, root: String, _ given: Int) throws {
    guard visited.insert(Files.canonical(folder)).inserted else { return }
    for name in try Files.list(folder) where !name.hasPrefix(".") {
      let path = folder == "/" ? "/\(name)" : "\(folder)/\(name)"
      let kind = FileKind(of: path)
      if kind == .directory {
        guard name != "fixtures", !fixtureFolders.contains(path) else { continue }
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
