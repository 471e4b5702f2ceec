internal import CProviumWire
import ProviumSystem

/// A reply that is being made: `struct fuse_out_header` and the operation's own bytes. One buffer serves all replies of a server.
/// Belongs to one thread.
package final class FUSEReply {
  /// Bytes of the header.
  package static let headerSize = 16
  /// The most bytes of data in one reply: 256 pages of 4 KiB.
  package static let maxData = 1 << 20

  /// Bytes before the data of an answer that is sent ahead: `struct pv_ahead`.
  static let aheadSize = MemoryLayout<pv_ahead>.size

  private let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: FUSEReply.headerSize + FUSEReply.maxData,
    alignment: 16
  )
  private var used = 0

  package init() {}
  deinit { memory.deallocate() }

  /// The whole reply. Empty where the request gets none. Valid until the next change.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<used]) }

  /// Bytes that can still be added.
  var room: Int { memory.count - used }
  var dataCount: Int { used - Self.headerSize }

  func begin() { used = Self.headerSize }

  /// The kernel expects no reply.
  func omit() { used = 0 }

  func add<Integer: FixedWidthInteger>(_ value: Integer) {
    precondition(MemoryLayout<Integer>.size <= room)
    memory.storeBytes(of: value, toByteOffset: used, as: Integer.self)
    used += MemoryLayout<Integer>.size
  }

  func add(_ bytes: [UInt8]) {
    precondition(bytes.count <= room)
    UnsafeMutableRawBufferPointer(rebasing: memory[used..<used + bytes.count]).copyBytes(from: bytes)
    used += bytes.count
  }

  func addZeros(_ count: Int) {
    precondition(count <= room)
    for index in used..<used + count { memory[index] = 0 }
    used += count
  }

  /// Lets `body` fill up to `count` bytes, and adds as many as it returns.
  func fill(_ count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
    let space = UnsafeMutableRawBufferPointer(rebasing: memory[used..<used + min(max(count, 0), room)])
    used += min(max(body(space), 0), space.count)
  }

  /// Removes data, so that `count` bytes of it are left.
  func truncate(to count: Int) { used = Self.headerSize + min(max(count, 0), dataCount) }

  /// Completes the reply to a request. With an error it has no data.
  func finish(_ unique: UInt64, error: Errno? = nil) {
    if error != nil { used = Self.headerSize }
    header(UInt32(used), error.map { -$0.number } ?? 0, unique)
  }

  /// Makes a message that tells the kernel to ask for a node's attributes again (FUSE_NOTIFY_INVAL_INODE). A negative offset
  /// leaves the cached pages: to drop them here could wait for a page whose READ waits for this server.
  package func notifyAttributesChanged(of node: UInt64) {
    begin()
    add(node)
    add(Int64(-1))
    add(Int64(0))
    header(UInt32(used), 2, 0)
  }

  // MARK: Messages to the guest's agent

  /// Adds the answer to one request that may come.
  /// - Parameter body: adds the data. With false nothing is added.
  @discardableResult
  func addAhead(_ operation: FUSEOperation, node: UInt64, offset: UInt64, _ body: () -> Bool) -> Bool {
    precondition(room >= Self.aheadSize)
    let begin = used
    used += Self.aheadSize
    guard body() else {
      used = begin
      return false
    }
    memory.storeBytes(of: node, toByteOffset: begin, as: UInt64.self)
    memory.storeBytes(of: offset, toByteOffset: begin + 8, as: UInt64.self)
    memory.storeBytes(of: operation.rawValue, toByteOffset: begin + 16, as: UInt32.self)
    memory.storeBytes(of: UInt32(used - begin - Self.aheadSize), toByteOffset: begin + 20, as: UInt32.self)
    addZeros(-used & 7)
    return true
  }

  /// Completes a message with answers that are sent ahead.
  func finishAhead() { header(UInt32(used), PV_SHARE_AHEAD, 0) }

  /// Makes a message that drops all answers that were sent ahead.
  package func dropAhead() {
    begin()
    header(UInt32(used), PV_SHARE_DROP, 0)
  }

  private func header(_ length: UInt32, _ error: Int32, _ unique: UInt64) {
    memory.storeBytes(of: length, toByteOffset: 0, as: UInt32.self)
    memory.storeBytes(of: error, toByteOffset: 4, as: Int32.self)
    memory.storeBytes(of: unique, toByteOffset: 8, as: UInt64.self)
  }
}
