import Glibc
import ProviumSystem

extension ShareState {
  mutating func read(_ request: FUSERequest, _ reply: FUSEReply) throws(Errno) {
    guard let offset = request.integer(UInt64.self, at: 8), let size = request.integer(UInt32.self, at: 16),
      let start = Int(exactly: offset)
    else { throw Errno(EINVAL) }
    let file = try openFile(request.node)
    // A file that is written to at the same time: a piece is of one version.
    for _ in 0..<4 {
      let before = NodeFacts(try HostFolder.status(file))
      try check(request.node, before)
      reply.begin()
      var error: Int32 = 0
      reply.fill(min(Int(size), FUSEReply.maxData)) { Self.read(file.raw, $0, at: start, &error) }
      if error != 0 { throw Errno(error) }
      if NodeFacts(try HostFolder.status(file)) == before {
        table.nodes[request.node]?.facts = before
        table.nodes[request.node]?.isRead = true
        if let path = table.path(of: request.node) { report.read[path] = before }
        noteRead(request, offset: offset, count: reply.dataCount)
        return
      }
    }
    throw refuse(request.node, EIO)
  }

  /// Reads until the space is full or the file ends.
  static func read(
    _ file: Int32,
    _ space: UnsafeMutableRawBufferPointer,
    at start: Int,
    _ error: inout Int32
  ) -> Int {
    var filled = 0
    while filled < space.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: space[filled...])
      let count = pread(file, rest.baseAddress, rest.count, start + filled)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        error = errno
        return 0
      }
      filled += count
    }
    return filled
  }

  /// Opens a regular file of a node.
  private mutating func openFile(_ number: UInt64) throws(Errno) -> Descriptor {
    _ = try node(number)
    let found: Descriptor
    do throws(Errno) { found = try find(number) } catch {
      // The file is gone, and the kernel may have a part of it.
      if [ENOENT, ENOTDIR, ELOOP].contains(error.number) { throw refuse(number, ESTALE) }
      throw error
    }
    let status = try HostFolder.status(found)
    if status.st_mode & S_IFMT == S_IFDIR { throw Errno(EISDIR) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Errno(EINVAL) }
    return try HostFolder.open(found)
  }

  /// Checks that a piece of a file fits the attributes and the pages that the kernel has of it.
  private mutating func check(_ number: UInt64, _ now: NodeFacts) throws(Errno) {
    let node = try node(number)
    if !node.facts.isSameFile(as: now) { throw refuse(number, ESTALE) }
    if node.facts == now { return }
    // Nothing of it was read, and the kernel has its size.
    if !node.isRead, !node.isAhead, node.facts.size == now.size { return }
    throw refuse(number, EIO)
  }

  /// Notes a file whose old contents would be mixed with new ones, or cut at the old size. The kernel asks for its attributes
  /// again, so that the next reader gets the new contents.
  mutating func refuse(_ number: UInt64, _ error: Int32) -> Errno {
    if let path = table.path(of: number) { report.change(path) }
    notice(number)
    return Errno(error)
  }

  func seek(_ request: FUSERequest, _ reply: FUSEReply) throws(Errno) {
    guard let offset = request.integer(UInt64.self, at: 8), let whence = request.integer(UInt32.self, at: 16),
      let start = Int(exactly: offset)
    else { throw Errno(EINVAL) }
    // SEEK_DATA and SEEK_HOLE; the kernel does the others itself.
    guard whence == 3 || whence == 4 else { throw Errno(EINVAL) }
    let found = try find(request.node)
    guard try HostFolder.status(found).st_mode & S_IFMT == S_IFREG else { throw Errno(EINVAL) }
    let file = try HostFolder.open(found)
    let result = lseek(file.raw, start, Int32(whence))
    guard result >= 0 else { throw Errno(errno) }
    reply.add(UInt64(result))
  }

  func readLink(_ request: FUSERequest, _ reply: FUSEReply) throws(Errno) {
    _ = try node(request.node)
    let found = try find(request.node)
    var error: Int32 = 0
    reply.fill(Int(PATH_MAX)) { space in
      // An empty path: the link of the descriptor itself.
      guard let start = space.bindMemory(to: CChar.self).baseAddress else { return 0 }
      let count = readlinkat(found.raw, "", start, space.count)
      if count < 0 { error = errno }
      return count
    }
    // ENOENT: it is no link any more.
    if error != 0 { throw Errno(error == ENOENT ? EINVAL : error) }
  }
}
