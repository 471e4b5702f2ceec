import Glibc
import ProviumSystem

/// The names of a folder, in the order of their bytes: a listing that is made again continues at the same place.
struct Listing: Sendable {
  struct Entry: Sendable {
    let name: [UInt8]
    let inode: UInt64
    /// As in `struct dirent`; 0: unknown.
    let type: UInt8
  }

  let node: UInt64
  let entries: [Entry]

  /// The place of a name; nil if it is not there.
  static func index(of name: [UInt8], in entries: [Entry]) -> Int? {
    // The dots come first, and are no files.
    var (low, high) = (2, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].name.lexicographicallyPrecedes(name) { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low].name == name ? low : nil
  }
}

extension ShareState {
  /// The listings that are kept, for readers that read several folders in turn.
  private static let mostListings = 8

  mutating func readDirectory(_ request: FUSERequest, _ reply: FUSEReply, withAttributes: Bool) throws(Errno)
  {
    guard let offset = request.integer(UInt64.self, at: 8), let size = request.integer(UInt32.self, at: 16),
      let start = Int(exactly: offset)
    else { throw Errno(EINVAL) }
    let known = try node(request.node)
    // A folder that appears empty is not entered; its two entries need no status.
    let parent = try find(known.isWithheld ? NodeTable.root : request.node, O_DIRECTORY)
    if !known.isWithheld { watched.add(request.node, parent) }
    let entries = try listing(of: request.node, known, isFirst: start == 0)
    let next = addPage(
      entries,
      from: start,
      of: request.node,
      parent,
      min(Int(size), FUSEReply.maxData),
      withAttributes,
      isAhead: false,
      reply
    )
    noteListing(request, from: start, next: next, size: Int(size), withAttributes: withAttributes)
  }

  /// Adds the entries from an index on that fit into `size` bytes.
  /// - Parameter isAhead: the kernel may not get the page.
  /// - Returns: the index of the next entry.
  mutating func addPage(
    _ entries: [Listing.Entry],
    from start: Int,
    of node: UInt64,
    _ parent: borrowing Descriptor,
    _ size: Int,
    _ withAttributes: Bool,
    isAhead: Bool,
    _ reply: FUSEReply
  ) -> Int {
    let begin = reply.dataCount
    var index = start
    while index < entries.count {
      let entry = entries[index]
      let length = (24 + entry.name.count + 7) & ~7
      guard reply.dataCount - begin + length + (withAttributes ? 128 : 0) <= size else { break }
      if withAttributes { addEntry(entry, index, in: node, parent, isAhead: isAhead, reply) }
      reply.add(entry.inode)
      reply.add(UInt64(index + 1))
      reply.add(UInt32(entry.name.count))
      reply.add(UInt32(entry.type))
      reply.add(entry.name)
      reply.addZeros(length - 24 - entry.name.count)
      index += 1
    }
    return index
  }

  /// Adds `struct fuse_entry_out` of a directory entry: zeros where the kernel shall look it up itself.
  private mutating func addEntry(
    _ entry: Listing.Entry,
    _ index: Int,
    in number: UInt64,
    _ parent: borrowing Descriptor,
    isAhead: Bool,
    _ reply: FUSEReply
  ) {
    guard index >= 2, let status = try? HostFolder.status(entry.name, in: parent),
      !isAhead || wasTold(entry.name, in: number, status)
    else {
      reply.addZeros(128)
      return
    }
    addEntry(entry.name, in: number, parent, status, reply)
  }

  /// Whether the attributes of a file are those that the kernel was told last, or it was told none.
  private func wasTold(_ name: [UInt8], in parent: UInt64, _ status: stat) -> Bool {
    guard let number = table.node(named: name, in: parent), let node = table.nodes[number] else {
      return true
    }
    let facts = NodeFacts(status)
    return node.facts == facts && node.isFresh == Self.isFresh(facts)
  }

  private mutating func listing(of number: UInt64, _ node: Node, isFirst: Bool) throws(Errno)
    -> [Listing.Entry]
  {
    if let index = listings.firstIndex(where: { $0.node == number }) {
      let listing = listings.remove(at: index)
      if !isFirst {
        listings.append(listing)
        return listing.entries
      }
    }
    let entries = try list(number, node)
    listings.append(Listing(node: number, entries: entries))
    if listings.count > Self.mostListings { listings.removeFirst() }
    return entries
  }

  /// The entries of a folder, which may be those of an earlier listing.
  mutating func keptListing(of number: UInt64) throws(Errno) -> [Listing.Entry] {
    try listing(of: number, try node(number), isFirst: false)
  }

  private func list(_ number: UInt64, _ node: Node) throws(Errno) -> [Listing.Entry] {
    let parent = table.nodes[node.parent] ?? node
    let dots = [
      Listing.Entry(name: Array(".".utf8), inode: node.facts.inode, type: UInt8(DT_DIR)),
      Listing.Entry(name: Array("..".utf8), inode: parent.facts.inode, type: UInt8(DT_DIR)),
    ]
    if node.isWithheld { return dots }
    let found = try find(number, O_DIRECTORY)
    let raw = try HostFolder.open(found, O_DIRECTORY).release()
    guard let stream = fdopendir(raw) else {
      let error = errno
      close(raw)
      throw Errno(error)
    }
    defer { closedir(stream) }
    var entries: [Listing.Entry] = []
    errno = 0
    while let entry = Glibc.readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: UInt8.self, capacity: 256) {
          Array(UnsafeBufferPointer(start: $0, count: strlen($0)))
        }
      }
      if name != dots[0].name, name != dots[1].name {
        entries.append(
          Listing.Entry(name: name, inode: UInt64(entry.pointee.d_ino), type: entry.pointee.d_type)
        )
      }
      errno = 0
    }
    guard errno == 0 else { throw Errno(errno) }
    return dots + entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }
}
