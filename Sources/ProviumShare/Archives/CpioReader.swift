import Glibc
import ProviumSystem

/// Reads the entries of a cpio archive in order, in the format "newc" (cpio(5) of libarchive), as RPM packages have it. The archive
/// may be hostile: everything is bounded, and an entry that cannot be kept is an error that names it.
struct CpioReader {
  private static let headerSize = 110
  private static let trailer = Array("TRAILER!!!".utf8)

  private let input: ArchiveInput
  /// Bytes of the present entry that were not read yet, and the padding after it.
  private var rest = 0
  private var padding = 0
  private var isFirst = true
  /// The names of a file with several, by inode number. The contents follow the last name.
  private var names: [UInt32: [ArchiveEntry]] = [:]
  /// Hard links whose file was returned.
  private var links: [ArchiveEntry] = []

  init(_ input: ArchiveInput) { self.input = input }

  /// Returns the next entry; nil at the end. Skips what was not read of the entry before.
  mutating func next() throws(ShareProblem) -> ArchiveEntry? {
    if let link = links.popLast() { return link }
    while true {
      try input.each(rest + padding) { _ throws(ShareProblem) in }
      (rest, padding) = (0, 0)
      guard let header = try input.bytes(Self.headerSize) else { throw input.problem("it has no end mark") }
      let fields = try fields(of: header)
      isFirst = false
      let name = try name(of: fields)
      if name == Self.trailer { return nil }
      if let entry = try entry(fields, name) { return entry }
    }
  }

  /// Gives the contents of the present entry to `body`, in pieces with their offsets.
  mutating func contents(_ body: (UnsafeRawBufferPointer, _ offset: Int) throws(ShareProblem) -> Void)
    throws(ShareProblem)
  {
    try input.each(rest, from: 0, body)
    rest = 0
  }

  // MARK: Headers

  /// The numbers of a header: inode, mode, user, group, links, time, size, four device numbers, size of the name, checksum.
  private func fields(of header: [UInt8]) throws(ShareProblem) -> [UInt32] {
    let mark = header[..<6]
    if mark.elementsEqual("07070X".utf8) {
      throw input.problem("it has files of more than 4 GB, which is not supported")
    }
    guard mark.elementsEqual("070701".utf8) || mark.elementsEqual("070702".utf8) else {
      throw input.problem(isFirst ? "it is no cpio archive" : "a header of an entry is damaged")
    }
    return try stride(from: 6, to: Self.headerSize, by: 8).map { start throws(ShareProblem) in
      let text = String(decoding: header[start..<start + 8], as: UTF8.self)
      guard text.utf8.first != UInt8(ascii: "+"), let number = UInt32(text, radix: 16) else {
        throw input.problem("a header of an entry is damaged")
      }
      return number
    }
  }

  private func name(of fields: [UInt32]) throws(ShareProblem) -> [UInt8] {
    let size = Int(fields[11])
    guard (1...ArchiveInput.mostPath + 1).contains(size) else {
      throw input.problem("the name of an entry has \(size) bytes")
    }
    guard var name = try input.bytes(size), name.popLast() == 0 else {
      throw input.problem("the name of an entry has no end")
    }
    try skip(Self.padding(after: Self.headerSize + size))
    return name
  }

  private func skip(_ count: Int) throws(ShareProblem) { try input.each(count) { _ throws(ShareProblem) in } }

  private static func padding(after size: Int) -> Int { (4 - size % 4) % 4 }

  /// - Returns: nil for a name of a file whose contents follow with a later name.
  private mutating func entry(_ fields: [UInt32], _ name: [UInt8]) throws(ShareProblem) -> ArchiveEntry? {
    let size = Int(fields[6])
    (rest, padding) = (size, Self.padding(after: size))
    var entry = ArchiveEntry()
    entry.path = try input.components(of: name)
    entry.mode = fields[1] & 0o7777
    (entry.user, entry.group) = (fields[2], fields[3])
    entry.modified = Int64(fields[5]) * 1_000_000_000
    switch fields[1] & S_IFMT {
    case S_IFREG:
      (entry.size, entry.storedSize) = (size, size)
      guard fields[4] > 1 else { return entry }
      if size == 0 {
        names[fields[0], default: []].append(entry)
        // All names of an empty file are without contents.
        guard names[fields[0]]?.count ?? 0 >= Int(fields[4]) else { return nil }
      }
      links = (names.removeValue(forKey: fields[0]) ?? []).filter { $0.path != entry.path }.map { other in
        var link = other
        link.kind = .hardLink
        link.target = Array(entry.path.joined(separator: [UInt8(ascii: "/")]))
        return link
      }
    case S_IFDIR: entry.kind = .folder
    case S_IFLNK:
      entry.kind = .symbolicLink
      guard (1...ArchiveInput.mostPath).contains(size), let target = try input.bytes(size),
        !target.contains(0)
      else {
        throw input.problem("the link \(ArchiveInput.shown(name)) has no target, or one that is too long")
      }
      entry.target = target
      rest = 0
    case S_IFIFO: entry.kind = .pipe
    case S_IFCHR, S_IFBLK, S_IFSOCK: entry.kind = .device
    default: throw input.problem("\(ArchiveInput.shown(name)) is of a kind that is not known")
    }
    return entry
  }
}
