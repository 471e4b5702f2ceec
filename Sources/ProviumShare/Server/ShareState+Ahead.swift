import Glibc
internal import CProviumWire
import ProviumSystem

/// Answers to requests that may come next. The guest's agent keeps them, so that they cost no round trip.
///
/// They are of files and folders that are watched: a change drops all of them before the guest's kernel is told of it. Nothing that
/// is sent ahead changes what the kernel is known to have been told: a file whose attributes are other ones than those is left out.
struct Ahead: Sendable {
  enum Plan {
    case files(of: UInt64, after: Int, count: Int)
    case pages(of: UInt64, from: Int, size: Int, withAttributes: Bool)
  }

  /// Files that one READ brings also where a program reads them in small pieces.
  static let mostFile: Int64 = 16 << 10

  let isOn: Bool
  var plan: Plan?
  var order = ReadingOrder()
  /// Whether the kernel wanted attributes the last time that it went on with a folder; nil: it has not yet.
  var continuesWithAttributes: Bool?
  /// The agent may have answers.
  var wasSent = false
  /// The agent's answers are to be dropped before the next reply.
  var mustDrop = false

  /// Something has changed.
  mutating func drop() {
    if wasSent { mustDrop = true }
    plan = nil
    order.reset()
  }

  mutating func takeDrop() -> Bool {
    guard mustDrop else { return false }
    (mustDrop, wasSent) = (false, false)
    return true
  }
}

extension ShareState {
  /// Makes the message of the plan that the last request has left.
  /// - Returns: false if there is nothing to send.
  mutating func makeAhead(into reply: FUSEReply) -> Bool {
    guard ahead.isOn, let plan = ahead.plan else { return false }
    ahead.plan = nil
    reply.begin()
    switch plan {
    case .files(let folder, let index, let count): addFilesAhead(of: folder, after: index, count, reply)
    case .pages(let node, let start, let size, let withAttributes):
      addPagesAhead(of: node, from: start, size, withAttributes, reply)
    }
    guard reply.dataCount > 0 else { return false }
    ahead.wasSent = true
    reply.finishAhead()
    return true
  }

  /// Whether this server is told of changes in a folder.
  func isSteady(_ folder: UInt64) -> Bool { lastingValidity != nil || watched.contains(folder) }

  // MARK: Files

  /// Notes a READ that was answered with `count` bytes. Only that of a whole file tells of an order.
  mutating func noteRead(_ request: FUSERequest, offset: UInt64, count: Int) {
    guard ahead.isOn, offset == 0, let node = table.nodes[request.node], count == node.facts.size,
      ahead.order.concerns(node.parent), isSteady(node.parent),
      let entries = try? keptListing(of: node.parent),
      let index = Listing.index(of: node.name, in: entries),
      let next = ahead.order.note(index, in: node.parent)
    else { return }
    ahead.plan = .files(of: node.parent, after: next.after, count: next.count)
  }

  /// Adds the contents of the files that follow an index of a folder.
  private mutating func addFilesAhead(of folder: UInt64, after index: Int, _ most: Int, _ reply: FUSEReply) {
    guard let entries = try? keptListing(of: folder) else { return }
    var count = 0
    var last = index
    var milestone: Int?
    for index in entries.indices.dropFirst(index + 1).prefix(4 * most) where count < most {
      guard let number = table.node(named: entries[index].name, in: folder), let next = table.nodes[number],
        !next.isFresh, !next.isWithheld, (1...Ahead.mostFile).contains(next.facts.size)
      else { continue }
      if milestone == nil, count >= most / 2 {
        milestone = index
        continue
      }
      guard reply.dataCount + FUSEReply.aheadSize + Int(next.facts.size) + 7 <= Int(PV_AHEAD_MAX) else {
        break
      }
      let isAdded = reply.addAhead(.read, node: number, offset: 0) { addWholeFile(number, next.facts, reply) }
      guard isAdded else { continue }
      table.nodes[number]?.isAhead = true
      last = index
      count += 1
    }
    if count > 0 { ahead.order.sent(until: last, milestone: milestone) }
  }

  /// Adds the contents of a file whose attributes are those that the kernel was told.
  private func addWholeFile(_ number: UInt64, _ facts: NodeFacts, _ reply: FUSEReply) -> Bool {
    guard let found = try? find(number), let status = try? HostFolder.status(found),
      status.st_mode & S_IFMT == S_IFREG, NodeFacts(status) == facts, let file = try? HostFolder.open(found)
    else { return false }
    var error: Int32 = 0
    let before = reply.dataCount
    reply.fill(Int(facts.size)) { Self.read(file.raw, $0, at: 0, &error) }
    return error == 0 && reply.dataCount - before == Int(facts.size)
      && (try? HostFolder.status(file)).map { NodeFacts($0) == facts } ?? false
  }

  // MARK: Pages of a folder

  /// Notes a READDIR or READDIRPLUS that was answered with the entries from `start` up to `next`.
  /// - Parameter size: the most bytes of a page.
  mutating func noteListing(
    _ request: FUSERequest,
    from start: Int,
    next: Int,
    size: Int,
    withAttributes: Bool
  ) {
    guard ahead.isOn else { return }
    if start > 0 { ahead.continuesWithAttributes = withAttributes }
    guard let continues = ahead.continuesWithAttributes, isSteady(request.node) else { return }
    ahead.plan = .pages(of: request.node, from: next, size: size, withAttributes: continues)
  }

  /// Adds the further pages of a folder, as the kernel will ask for them, with the empty one at the end.
  private mutating func addPagesAhead(
    of node: UInt64,
    from start: Int,
    _ size: Int,
    _ withAttributes: Bool,
    _ reply: FUSEReply
  ) {
    guard let entries = try? keptListing(of: node),
      let parent = try? find(node, O_DIRECTORY)
    else { return }
    var next = start
    for _ in 0..<PV_AHEAD_ANSWERS {
      guard reply.dataCount + FUSEReply.aheadSize + size + 7 <= Int(PV_AHEAD_MAX) else { return }
      let offset = next
      let operation: FUSEOperation = withAttributes ? .readDirectoryPlus : .readDirectory
      reply.addAhead(operation, node: node, offset: UInt64(offset)) {
        next = addPage(entries, from: offset, of: node, parent, size, withAttributes, isAhead: true, reply)
        // An empty page is the end.
        return next > offset || offset >= entries.count
      }
      if next == offset { return }
    }
  }
}
