import ProviumSystem

/// The files of a root file system as they are put together from archives, in memory without their contents. Links are followed
/// only here, never on the host, so an archive can name nothing outside of it.
final class RootTree {
  final class Node {
    var entry: ArchiveEntry
    /// The number of the file with the contents; nil: it has none.
    var data: Int?
    /// Of a folder.
    var children: [[UInt8]: Node] = [:]
    /// The layer that has named it last.
    var layer: Int
    /// Where it is on the host; nil: not written yet.
    var place: [UInt8]?

    init(_ entry: ArchiveEntry, layer: Int) {
      self.entry = entry
      self.layer = layer
    }
    var isFolder: Bool { entry.kind == .folder }
  }

  /// A path that leads through a file, or through links without an end.
  enum Impossible: Error { case throughFile, tooManyLinks }

  /// As in Linux (path_resolution(7)).
  private static let mostLinks = 40

  let root: Node
  /// Archives that were put on each other so far.
  private(set) var layer = 0

  init() {
    var entry = ArchiveEntry()
    entry.kind = .folder
    entry.mode = 0o755
    root = Node(entry, layer: 0)
  }

  /// The next entries belong to another layer.
  func beginLayer() { layer += 1 }

  /// Finds what a path names. Links in it are followed, the last component only with `following`.
  /// - Parameter creating: folders that are missing are made.
  /// - Returns: nil if there is nothing.
  func find(_ path: [[UInt8]], following: Bool = false, creating: Bool = false) throws(Impossible) -> Node? {
    var folders = [root]
    var rest = Array(path.reversed())
    var links = 0
    while let name = rest.popLast() {
      guard let folder = folders.last else { return nil }
      // A layer that adds to a folder keeps it.
      if creating { folder.layer = layer }
      if name == Array("..".utf8) {
        if folders.count > 1 { folders.removeLast() }
        continue
      }
      var found = folder.children[name]
      if found == nil, creating {
        let made = Node(root.entryOfNewFolder, layer: layer)
        folder.children[name] = made
        found = made
      }
      guard let found else { return nil }
      if found.entry.kind == .symbolicLink, following || !rest.isEmpty {
        links += 1
        guard links <= Self.mostLinks else { throw .tooManyLinks }
        if found.entry.target.first == UInt8(ascii: "/") { folders = [root] }
        let parts = found.entry.target.split(separator: UInt8(ascii: "/")).map(Array.init)
        rest += parts.reversed().filter { $0 != [UInt8(ascii: ".")] }
        continue
      }
      if rest.isEmpty, !found.isFolder { return found }
      guard found.isFolder else { throw .throughFile }
      folders.append(found)
    }
    return folders.last
  }

  /// Puts an entry into a folder, in place of what has its name.
  /// - Parameters:
  ///   - keepsLinks: a link to a folder stays where an entry is a folder, as dpkg does it.
  func put(_ entry: ArchiveEntry, data: Int?, name: [UInt8], in folder: Node, keepsLinks: Bool) {
    if let known = folder.children[name] {
      if entry.kind == .folder, known.isFolder {
        known.entry = entry
        known.layer = layer
        return
      }
      if keepsLinks, entry.kind == .folder, known.entry.kind == .symbolicLink { return }
    }
    let node = Node(entry, layer: layer)
    node.data = data
    folder.children[name] = node
  }

  /// Removes what lower layers have in a folder.
  /// - Parameter name: one name; nil: all.
  func hide(_ name: [UInt8]?, in folder: Node) {
    guard let name else {
      // A folder that this layer names too stays, without what lower layers have in it.
      for (name, child) in folder.children {
        if child.layer < layer { folder.children[name] = nil } else if child.isFolder { hide(nil, in: child) }
      }
      return
    }
    if let child = folder.children[name], child.layer < layer { folder.children[name] = nil }
  }
}

extension RootTree.Node {
  fileprivate var entryOfNewFolder: ArchiveEntry {
    var entry = ArchiveEntry()
    entry.kind = .folder
    entry.mode = 0o755
    return entry
  }
}
