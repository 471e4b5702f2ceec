/// Writes an initramfs archive: cpio in the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst).
///
/// Reproducible: the same entries give the same bytes (no times, inodes counted).
package struct CpioArchive: Sendable {
  package private(set) var bytes: [UInt8] = []
  private var nextInode: UInt32 = 1
  private var directories: Set<[UInt8]> = []

  package init() {}

  package mutating func addFile(_ path: String, _ contents: [UInt8], mode: UInt32 = 0o644) {
    addFile(Array(path.utf8), contents, mode: mode)
  }

  /// Names are bytes: what looks the same as text may be two files.
  package mutating func addFile(_ path: [UInt8], _ contents: [UInt8], mode: UInt32) {
    addParents(of: path)
    add(path, mode: 0o100000 | mode & 0o7777, contents: contents)
  }

  package mutating func addDirectory(_ path: String, mode: UInt32 = 0o755) {
    addDirectory(Array(path.utf8), mode: mode)
  }

  private mutating func addDirectory(_ path: [UInt8], mode: UInt32) {
    guard directories.insert(path).inserted else { return }
    addParents(of: path)
    add(path, mode: 0o040000 | mode & 0o7777, contents: [])
  }

  package mutating func addLink(_ path: String, to target: String) {
    let path = Array(path.utf8)
    addParents(of: path)
    add(path, mode: 0o120777, contents: Array(target.utf8))
  }

  package mutating func addCharacterDevice(_ path: String, major: UInt32, minor: UInt32, mode: UInt32 = 0o600)
  {
    let path = Array(path.utf8)
    addParents(of: path)
    add(path, mode: 0o020000 | mode, contents: [], major: major, minor: minor)
  }

  /// The archive with its trailer, padded to 512 bytes.
  package func finished() -> [UInt8] {
    var copy = self
    copy.nextInode = 0
    copy.add(Array("TRAILER!!!".utf8), mode: 0, contents: [], links: 1)
    while copy.bytes.count % 512 != 0 { copy.bytes.append(0) }
    return copy.bytes
  }

  private mutating func addParents(of path: [UInt8]) {
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")), slash > 0 else { return }
    addDirectory(Array(path[..<slash]), mode: 0o755)
  }

  private mutating func add(
    _ path: [UInt8],
    mode: UInt32,
    contents: [UInt8],
    links: UInt32 = 1,
    major: UInt32 = 0,
    minor: UInt32 = 0
  ) {
    let name = path + [0]
    bytes += Array("070701".utf8)
    for field in [
      nextInode, mode, 0, 0, links, 0, UInt32(contents.count), 0, 0, major, minor, UInt32(name.count), 0,
    ] {
      let hex = String(field, radix: 16)
      bytes += Array((String(repeating: "0", count: 8 - hex.count) + hex).utf8)
    }
    bytes += name
    pad()
    bytes += contents
    pad()
    nextInode += 1
  }

  private mutating func pad() { while bytes.count % 4 != 0 { bytes.append(0) } }
}
