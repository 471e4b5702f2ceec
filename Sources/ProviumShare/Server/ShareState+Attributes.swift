internal import CLinux
import Glibc
import ProviumSystem

extension ShareState {
  // MARK: LOOKUP and GETATTR

  mutating func lookUp(_ request: FUSERequest, _ reply: FUSEReply) throws(Errno) {
    guard let name = request.name() else { throw Errno(EINVAL) }
    if try node(request.node).isWithheld { return addMissing(reply) }
    let parent = try find(request.node, O_DIRECTORY)
    watched.add(request.node, parent)
    do throws(Errno) {
      let status = try HostFolder.status(name, in: parent)
      addEntry(name, in: request.node, parent, status, reply)
    } catch {
      if error.number == ENOENT { return addMissing(reply) }
      throw error
    }
  }

  /// The kernel remembers a missing name, too.
  private func addMissing(_ reply: FUSEReply) {
    reply.addZeros(16)
    reply.add(lastingValidity ?? WatchedFolders.shortValidity)
    reply.addZeros(104)
  }

  /// Adds `struct fuse_entry_out`: 128 bytes. The kernel has one more reference to the node.
  mutating func addEntry(
    _ name: [UInt8],
    in number: UInt64,
    _ parent: borrowing Descriptor,
    _ status: stat,
    _ reply: FUSEReply
  ) {
    let node = table.look(up: name, in: number, facts: NodeFacts(status))
    if folder.isWithheld(name, in: parent, status) { table.nodes[node]?.isWithheld = true }
    let (modified, validity) = tell(node, in: number, status)
    reply.add(node)
    reply.add(UInt64(0))  // generation: numbers are not used again
    reply.add(lastingValidity ?? watched.validity(in: number, of: status))
    reply.add(validity)
    reply.add(UInt64(0))  // nanoseconds of both
    addAttributes(status, modified, reply)
  }

  mutating func getAttributes(_ request: FUSERequest, _ reply: FUSEReply) throws(Errno) {
    let known = try node(request.node)
    let status: stat
    do throws(Errno) { status = try self.status(request.node, known) } catch {
      throw [ENOENT, ENOTDIR, ELOOP].contains(error.number) ? gone(request) : error
    }
    guard known.facts.isSameFile(as: NodeFacts(status)) || request.node == NodeTable.root else {
      throw gone(request)
    }
    let (modified, validity) = tell(request.node, in: known.parent, status)
    reply.add(validity)
    reply.add(UInt64(0))
    addAttributes(status, modified, reply)
  }

  /// The error of a GETATTR whose file has lost its name. The kernel looks a path up again, but a program that reads an open file gets
  /// the error: then FUSE_GETATTR_FH is set.
  private mutating func gone(_ request: FUSERequest) -> Errno {
    let isRead = (request.integer(UInt32.self, at: 0) ?? 0) & 1 != 0
    return isRead ? refuse(request.node, ESTALE) : Errno(ESTALE)
  }

  private func status(_ number: UInt64, _ node: Node) throws(Errno) -> stat {
    if !node.isWithheld { return try HostFolder.status(try find(number)) }
    return try HostFolder.status(node.name, in: try find(node.parent, O_DIRECTORY))
  }

  /// Notes what the kernel is told of a node. It drops its pages of the file when the size or the time of modification has changed.
  /// - Returns: the time of modification to tell, in nanoseconds, and for how many seconds the attributes are valid.
  ///
  /// A file that was modified just now can change again within one tick of the host's clock, and have the same time. Its time is
  /// told as one nanosecond earlier, so that the kernel sees a change when it asks later.
  private mutating func tell(_ number: UInt64, in parent: UInt64, _ status: stat)
    -> (modified: Int64, validity: UInt64)
  {
    let facts = NodeFacts(status)
    let validity = lastingValidity ?? watched.validity(ofAttributes: number, in: parent, status)
    if table.nodes[number]?.facts != facts { ahead.drop() }
    guard status.st_mode & S_IFMT == S_IFREG else {
      table.nodes[number]?.facts = facts
      return (facts.modified, validity)
    }
    let isFresh = Self.isFresh(facts)
    if let node = table.nodes[number], node.facts != facts || node.isFresh != isFresh {
      table.nodes[number]?.isRead = false
      table.nodes[number]?.isAhead = false
    }
    table.nodes[number]?.facts = facts
    table.nodes[number]?.isFresh = isFresh
    return isFresh ? (facts.modified &- 1, 0) : (facts.modified, validity)
  }

  /// Whether a file was modified in the last 100 ms. The clock of file systems has ticks of up to 10 ms.
  static func isFresh(_ facts: NodeFacts) -> Bool {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let age = (Int64(now.tv_sec) &* 1_000_000_000 &+ Int64(now.tv_nsec)) &- facts.modified
    return (0..<100_000_000).contains(age)
  }

  /// Adds `struct fuse_attr`: 88 bytes.
  private func addAttributes(_ status: stat, _ modified: Int64, _ reply: FUSEReply) {
    reply.add(folder.inode(status))
    reply.add(UInt64(bitPattern: Int64(status.st_size)))
    reply.add(UInt64(bitPattern: Int64(status.st_blocks)))
    let seconds = modified >= 0 ? modified / 1_000_000_000 : (modified - 999_999_999) / 1_000_000_000
    reply.add(Int64(status.st_atim.tv_sec))
    reply.add(seconds)
    reply.add(Int64(status.st_ctim.tv_sec))
    reply.add(UInt32(status.st_atim.tv_nsec))
    reply.add(UInt32(modified - seconds * 1_000_000_000))
    reply.add(UInt32(status.st_ctim.tv_nsec))
    let own = folder.attributes(status)
    reply.add(own.map { UInt32(status.st_mode) & UInt32(S_IFMT) | $0.mode } ?? UInt32(status.st_mode))
    reply.add(UInt32(clamping: status.st_nlink))
    reply.add(own?.user ?? folder.user(status.st_uid))
    reply.add(own?.group ?? folder.group(status.st_gid))
    // The kernel's own form of a device number, include/linux/kdev_t.h: new_encode_dev.
    let (major, minor) = (UInt32(clinux_major(status.st_rdev)), UInt32(clinux_minor(status.st_rdev)))
    reply.add((minor & 0xFF) | (major << 8) | ((minor & ~0xFF) << 12))
    reply.add(UInt32(4096))
    reply.add(UInt32(0))
  }

  // MARK: Extended attributes

  /// The most bytes that Linux has in an extended attribute, or in the list of their names.
  private static let mostAttributeBytes = 64 << 10

  func getExtendedAttribute(_ request: FUSERequest, _ reply: FUSEReply) throws(Errno) {
    guard let size = request.integer(UInt32.self, at: 0), let name = request.text(at: 8) else {
      throw Errno(EINVAL)
    }
    guard SharedAttribute.isShared(name), !(try node(request.node).isWithheld) else { throw Errno(ENODATA) }
    let found = try find(request.node)
    if let known = folder.attributes(try HostFolder.status(found)), let value = known.extended[name] {
      return try add(value, size, reply)
    }
    let value = try Self.bytes { space in
      HostFolder.withText(name) { clinux_get_attribute(found.raw, $0, space.baseAddress, space.count) }
    }
    try add(value, size, reply)
  }

  func listExtendedAttributes(_ request: FUSERequest, _ reply: FUSEReply) throws(Errno) {
    guard let size = request.integer(UInt32.self, at: 0) else { throw Errno(EINVAL) }
    if try node(request.node).isWithheld { return try add([], size, reply) }
    let found = try find(request.node)
    let all = try Self.bytes { clinux_list_attributes(found.raw, $0.baseAddress, $0.count) }
    let own = folder.attributes(try HostFolder.status(found))?.extended.keys
    let names =
      all.split(separator: 0).map(Array.init).filter {
        SharedAttribute.isShared($0) && !(own?.contains($0) ?? false)
      } + (own?.sorted { $0.lexicographicallyPrecedes($1) } ?? [])
    try add(Array(names.map { $0 + [0] }.joined()), size, reply)
  }

  private static func bytes(_ call: (UnsafeMutableRawBufferPointer) -> Int) throws(Errno) -> [UInt8] {
    var result = 0
    let value = [UInt8](unsafeUninitializedCapacity: mostAttributeBytes) { space, count in
      result = call(UnsafeMutableRawBufferPointer(space))
      count = max(0, result)
    }
    if result < 0 { throw Errno(Int32(clamping: -result)) }
    return value
  }

  /// A size of 0 asks for the length.
  private func add(_ value: [UInt8], _ size: UInt32, _ reply: FUSEReply) throws(Errno) {
    if size == 0 {
      reply.add(UInt32(value.count))
      reply.add(UInt32(0))
    } else {
      guard value.count <= Int(size) else { throw Errno(ERANGE) }
      reply.add(value)
    }
  }
}
