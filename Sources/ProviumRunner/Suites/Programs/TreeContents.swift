import Glibc
import ProviumBoot
import ProviumSystem

/// The files of a suite's tree that the guest gets. Reproducible: equal trees have equal descriptions.
struct TreeContents: Sendable {
  enum Entry: Sendable, Hashable {
    case folder
    case file(mode: UInt32, size: UInt64, digest: String)
    case link(target: String)
  }

  /// By their path in the tree, folders before their entries.
  let entries: [(path: String, entry: Entry)]
  /// Bytes of all files.
  let size: UInt64

  /// Above this size only the selected collections are copied, with the folders that belong to none.
  private static let wholeLimit: UInt64 = 256 << 20

  /// - Parameter selected: the programs that will run.
  init(_ tree: ProgramTree, selected: [SuiteProgram], digests: DigestCache) throws {
    // Of a shared tree nothing is copied: its size does not matter, and times tell changes.
    var walk = Walk(tree: tree.path, digests: tree.isShared ? nil : digests)
    try walk.visit("")
    let all = walk.entries
    let whole = Self.size(of: all)
    guard whole > Self.wholeLimit, !tree.isShared else {
      (entries, size) = (all, whole)
      return
    }
    let wanted = Set(selected.map { Self.top($0.collection) })
    let others = Set(tree.programs.map { Self.top($0.collection) }).subtracting(wanted)
    entries = all.filter { !others.contains(Self.top($0.path)) }
    size = Self.size(of: entries)
  }

  /// One line for each entry: equal where the guest gets the same.
  var description: String {
    entries.map { path, entry in
      switch entry {
      case .folder: "\(path)/\n"
      case .file(let mode, let size, let digest): "\(path) \(String(mode, radix: 8)) \(size) \(digest)\n"
      case .link(let target): "\(path) -> \(target)\n"
      }
    }
    .joined()
  }

  private static func size(of entries: [(path: String, entry: Entry)]) -> UInt64 {
    entries.reduce(0) { sum, next in
      if case .file(_, let size, _) = next.entry { sum + size } else { sum }
    }
  }

  private static func top(_ path: String) -> String { String(path.prefix { $0 != "/" }) }

  private struct Walk {
    let tree: String
    /// nil: times stand for contents.
    let digests: DigestCache?
    var entries: [(path: String, entry: Entry)] = []

    mutating func visit(_ folder: String) throws {
      for name in try Files.list(folder.isEmpty ? tree : "\(tree)/\(folder)").sorted() {
        let path = folder.isEmpty ? name : "\(folder)/\(name)"
        let host = "\(tree)/\(path)"
        var status = stat()
        guard lstat(host.cPath, &status) == 0 else { throw SystemError("lstat", host) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
          entries.append((path, .folder))
          try visit(path)
        case S_IFREG:
          let mode = UInt32(status.st_mode & 0o7777)
          let digest = try digests?.digest(host) ?? "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
          entries.append((path, .file(mode: mode, size: UInt64(status.st_size), digest: digest)))
        case S_IFLNK: entries.append((path, .link(target: try Self.target(host))))
        // Sockets and devices of earlier runs in the tree.
        default: break
        }
      }
    }

    private static func target(_ path: String) throws -> String {
      var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = readlink(path.cPath, &buffer, buffer.count)
      guard count >= 0 else { throw SystemError("readlink", path) }
      return PathText.string(of: buffer[..<count].map { UInt8(bitPattern: $0) })
    }
  }
}
