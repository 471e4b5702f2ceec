import Glibc
import ProviumSystem

/// The state of a server between two requests, and the operations on it.
struct ShareState: Sendable {
  let folder: HostFolder
  var table: NodeTable
  var report = ShareReport()
  /// The changes of the report that a caller has taken.
  var takenChanges = 0
  /// The folders whose names are read at present, the last used one at the end.
  var listings: [Listing] = []
  var watched: WatchedFolders
  var ahead: Ahead
  private var notices: [UInt64] = []

  /// How long the guest's kernel may use what it was told of an unpacked archive, in seconds; nil for a folder that can change.
  var lastingValidity: UInt64? { folder.settings.attributes == nil ? nil : 365 * 86400 }

  init(folder: HostFolder, table: NodeTable, watched: WatchedFolders, sendsAhead: Bool) {
    ahead = Ahead(isOn: sendsAhead)
    self.folder = folder
    self.table = table
    self.watched = watched
    if self.table.nodes[NodeTable.root] == nil {
      self.table.nodes[NodeTable.root] = Node(parent: 0, name: [], lookups: 1, facts: folder.facts)
    }
  }

  mutating func takeNotices() -> [UInt64] {
    defer { notices = [] }
    return notices
  }

  mutating func notice(_ node: UInt64) {
    ahead.drop()
    if notices.count < 100_000 { notices.append(node) }
  }

  // MARK: Requests

  mutating func answer(_ request: FUSERequest, into reply: FUSEReply) {
    reply.begin()
    do throws(Errno) {
      guard let operation = FUSEOperation(rawValue: request.operation) else { throw Errno(ENOSYS) }
      if operation.isChange { throw Errno(EROFS) }
      if try perform(operation, request, reply) { reply.finish(request.unique) } else { reply.omit() }
    } catch {
      if error.number == EACCES, let path = table.path(of: request.node) { report.deny(path) }
      reply.finish(request.unique, error: error)
    }
  }

  /// Returns whether the kernel expects a reply.
  private mutating func perform(_ operation: FUSEOperation, _ request: FUSERequest, _ reply: FUSEReply)
    throws(Errno) -> Bool
  {
    switch operation {
    case .initialize: try initialize(request, reply)
    case .lookup: try lookUp(request, reply)
    case .getAttributes: try getAttributes(request, reply)
    case .readLink: try readLink(request, reply)
    case .read: try read(request, reply)
    case .seek: try seek(request, reply)
    case .readDirectory: try readDirectory(request, reply, withAttributes: false)
    case .readDirectoryPlus: try readDirectory(request, reply, withAttributes: true)
    case .fileSystemStatus: try fileSystemStatus(reply)
    case .getExtendedAttribute: try getExtendedAttribute(request, reply)
    case .listExtendedAttributes: try listExtendedAttributes(request, reply)
    case .open: try open(reply, .noOpen)
    case .openDirectory: try open(reply, .noOpenDirectory)
    case .release, .releaseDirectory, .destroy: break
    case .forget:
      table.forget(request.node, request.integer(UInt64.self, at: 0) ?? 0)
      return false
    case .batchForget:
      forgetBatch(request)
      return false
    // ENOSYS: the kernel sends none any more.
    default: throw Errno(ENOSYS)
    }
    return true
  }

  private mutating func initialize(_ request: FUSERequest, _ reply: FUSEReply) throws(Errno) {
    guard let major = request.integer(UInt32.self, at: 0), let minor = request.integer(UInt32.self, at: 4),
      let flags = request.integer(UInt32.self, at: 12)
    else { throw Errno(EINVAL) }
    // The layouts of this server are those of Linux 4.14 and later.
    guard major == 7, minor >= 26 else { throw Errno(EPROTO) }
    let features = FUSEFeatures(rawValue: flags).intersection(.wanted)
    table.features = features.rawValue
    reply.add(UInt32(7))
    reply.add(UInt32(31))
    // The kernel takes the smaller one of this and its own, which the guest's agent raises to the same.
    reply.add(UInt32(FUSEReply.maxData))
    reply.add(features.rawValue)
    reply.add(UInt16(64))  // requests of read-ahead at a time
    reply.add(UInt16(48))  // from here on the kernel counts as congested
    reply.add(UInt32(4096))  // of a write, which never comes
    reply.add(UInt32(1))  // granularity of times: a nanosecond
    reply.add(UInt16(features.contains(.maxPages) ? 256 : 0))
    reply.addZeros(34)
  }

  private func open(_ reply: FUSEReply, _ feature: FUSEFeatures) throws(Errno) {
    if FUSEFeatures(rawValue: table.features ?? 0).contains(feature) { throw Errno(ENOSYS) }
    reply.add(UInt64(0))  // handle
    reply.add(UInt32(1 << 1 | 1 << 3))  // FOPEN_KEEP_CACHE, FOPEN_CACHE_DIR
    reply.add(UInt32(0))
  }

  private mutating func forgetBatch(_ request: FUSERequest) {
    guard let count = request.integer(UInt32.self, at: 0) else { return }
    for index in 0..<min(Int(count), request.body.count / 16) {
      guard let node = request.integer(UInt64.self, at: 8 + index * 16),
        let lookups = request.integer(UInt64.self, at: 16 + index * 16)
      else { return }
      table.forget(node, lookups)
    }
  }

  private func fileSystemStatus(_ reply: FUSEReply) throws(Errno) {
    guard let facts = folder.fileSystem() else { throw Errno(EIO) }
    for value in [
      facts.blocks, facts.free_blocks, facts.available_blocks, facts.files, facts.free_files,
    ] { reply.add(value) }
    reply.add(UInt32(clamping: facts.block_size))
    reply.add(UInt32(255))  // longest name
    reply.add(UInt32(clamping: facts.block_size))
    reply.addZeros(28)
  }

  // MARK: Nodes

  func node(_ number: UInt64) throws(Errno) -> Node {
    guard let node = table.nodes[number] else { throw Errno(ESTALE) }
    return node
  }

  /// Finds the file of a node. A node whose file was replaced on the host has none any more.
  func find(_ number: UInt64, _ flags: Int32 = 0) throws(Errno) -> Descriptor {
    guard let path = table.path(of: number) else { throw Errno(ESTALE) }
    return try folder.find(path, flags)
  }

  /// Compares all nodes with the host. Nodes that have changed become notices, and nodes that are not watched any more.
  mutating func revalidate() {
    if watched.isPossible {
      for (number, node) in table.nodes where node.children > 0 || number == NodeTable.root {
        if let found = try? find(number, O_DIRECTORY) { watched.add(number, found) }
      }
    }
    for (number, node) in table.nodes {
      var facts: NodeFacts?
      if let found = try? find(number), let status = try? HostFolder.status(found) {
        facts = NodeFacts(status)
      }
      let isUnwatched = watched.isPossible && number != NodeTable.root && !watched.contains(node.parent)
      guard facts != node.facts || node.isFresh || isUnwatched else { continue }
      if node.isRead, facts != node.facts, let path = table.path(of: number) { report.change(path) }
      notice(number)
    }
  }

  /// Makes notices of what has changed in the watched folders.
  mutating func noticeChanges() {
    let changes = watched.takeChanges()
    if changes.areIncomplete {
      ahead.drop()
      return revalidate()
    }
    var changed: Set<UInt64> = []
    for change in changes.list {
      if change.isOfNames || change.name.isEmpty { changed.insert(change.node) }
      if let child = table.node(named: change.name, in: change.node) { changed.insert(child) }
    }
    if !changed.isEmpty { ahead.drop() }
    for node in changed.sorted() where table.nodes[node] != nil { notice(node) }
  }
}
