import Glibc
import ProviumSystem

/// Writes a tree of files into an empty folder of the host. Every folder of a path was made by this writer, so no link is followed.
struct RootWriter {
  /// The folder with the contents of files, by number.
  let data: String
  /// The empty folder.
  let target: String
  private(set) var index = AttributeIndex()

  init(data: String, target: String) {
    self.data = data
    self.target = target
  }

  mutating func write(_ tree: RootTree) throws(ShareProblem) {
    var folders: [(path: [UInt8], modified: Int64)] = []
    var open: [(node: RootTree.Node, path: [UInt8])] = [(tree.root, [])]
    while let (folder, path) = open.popLast() {
      try attributes(of: folder, path)
      folders.append((path, folder.entry.modified))
      for (name, node) in folder.children {
        let place = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
        if node.isFolder {
          try make(place) { mkdir($0, 0o700) }
          open.append((node, place))
        } else {
          try write(node, at: place)
        }
      }
    }
    // Last: a new file changes the time of its folder.
    for (path, modified) in folders.reversed() { setTime(path, modified) }
  }

  private mutating func write(_ node: RootTree.Node, at place: [UInt8]) throws(ShareProblem) {
    if let first = node.place {
      try make(place) { to in Self.withPath(target, first) { link($0, to) } }
      if let attributes = index.files[first] { index.files[place] = attributes }
      return
    }
    node.place = place
    switch node.entry.kind {
    case .symbolicLink:
      try make(place) { to in HostFolder.withText(node.entry.target) { $0.map { symlink($0, to) } ?? -1 } }
    case .pipe: try make(place) { mkfifo($0, 0o600) }
    case .file, .hardLink, .folder, .device:
      try make(place) { to in rename("\(data)/\(node.data ?? 0)", to) }
    }
    try attributes(of: node, place)
    setTime(place, node.entry.modified)
  }

  /// Sets the mode. What this user cannot set, or what would be a risk on the host, goes into the index.
  private mutating func attributes(of node: RootTree.Node, _ place: [UInt8]) throws(ShareProblem) {
    let entry = node.entry
    if entry.kind != .symbolicLink {
      let mode = entry.mode & 0o777 | (node.isFolder ? 0o700 : 0o600)
      try make(place) { chmod($0, mode) }
      let isSame = mode == entry.mode && entry.user == 0 && entry.group == 0
      if isSame, entry.attributes.isEmpty { return }
    } else if entry.user == 0, entry.group == 0 {
      return
    }
    index.files[place] = AttributeIndex.Attributes(
      mode: entry.kind == .symbolicLink ? 0o777 : entry.mode,
      user: entry.user,
      group: entry.group,
      extended: entry.attributes
    )
  }

  private func setTime(_ place: [UInt8], _ nanoseconds: Int64) {
    let seconds = nanoseconds >= 0 ? nanoseconds / 1_000_000_000 : (nanoseconds - 999_999_999) / 1_000_000_000
    let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds - seconds * 1_000_000_000))
    let times = [time, time]
    _ = Self.withPath(target, place) { utimensat(AT_FDCWD, $0, times, AT_SYMLINK_NOFOLLOW) }
  }

  private func make(_ place: [UInt8], _ call: (UnsafePointer<CChar>) -> Int32) throws(ShareProblem) {
    guard Self.withPath(target, place, call) == 0 else {
      let error = Errno(errno)
      throw ShareProblem("cannot unpack \(ArchiveInput.shown(place)) into \(target): \(error)")
    }
  }

  private static func withPath(_ folder: String, _ path: [UInt8], _ call: (UnsafePointer<CChar>) -> Int32)
    -> Int32
  {
    HostFolder.withText(Array(folder.utf8) + [UInt8(ascii: "/")] + path) { $0.map(call) ?? -1 }
  }
}
