internal import CProviumWire
import Glibc
package import ProviumSystem

/// Memory of this process that a guest reads as that of a PCI device. Long replies of shares go through it.
///
/// `@unchecked Sendable` because it holds a pointer, and changes owner without a lock: the thread of the `ShareConnection` uses it
/// alone while that exists. `clear` is called after `ShareConnection.close` has joined the thread.
package final class ShareWindow: @unchecked Sendable {
  /// Bytes.
  package static let size = Int(PV_WINDOW_SIZE)
  /// Shorter data costs a guest less in a frame.
  static let leastData = 4096

  private let memory: UnsafeMutableRawBufferPointer
  /// Bytes that may be written: those that the guest has named in WINDOW frames, without those placed since.
  private var free = 0
  /// The offset of the next byte to write.
  private var position = 0

  /// Makes the memory that QEMU maps.
  package static func descriptor() throws -> Descriptor {
    try Descriptor.memoryFile("provium-share-window", size: size)
  }

  /// Maps the memory of `descriptor()`.
  package init(_ descriptor: borrowing Descriptor) throws {
    let base = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.raw, 0)
    guard let base, base != MAP_FAILED else { throw SystemError("map memory for shared folders", "") }
    memory = UnsafeMutableRawBufferPointer(start: base, count: Self.size)
  }

  deinit { munmap(memory.baseAddress, memory.count) }

  /// Makes all bytes zero, so that a saved VM has nothing of them. No guest may use the window any more.
  package func clear() {
    madvise(memory.baseAddress, memory.count, MADV_REMOVE)
    (free, position) = (0, 0)
  }

  /// Writes a mark at the start of each page. A guest that sees all of them has the same memory.
  func mark(_ mark: [UInt8]) {
    (free, position) = (0, 0)
    for offset in stride(from: 0, to: memory.count, by: Int(PV_WINDOW_PAGE)) {
      UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + mark.count]).copyBytes(from: mark)
    }
  }

  /// The guest has taken bytes. A guest that names too many harms itself alone.
  func grant(_ bytes: UInt32) { free = min(free + Int(bytes), memory.count) }

  /// Places the data of a reply, and returns the payload of its frame; nil where there is no room.
  func place(_ reply: UnsafeRawBufferPointer) -> [UInt8]? {
    let header = 16  // struct fuse_out_header
    let length = reply.count - header
    guard length > Self.leastData, length <= memory.count else { return nil }
    let wraps = position + length > memory.count
    let skipped = wraps ? memory.count - position : 0
    guard skipped + length <= free else { return nil }
    let offset = wraps ? 0 : position
    // Slices are not checked in release builds.
    precondition(offset >= 0 && offset + length <= memory.count)
    UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + length])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: reply[header...]))
    free -= skipped + length
    position = offset + length
    var payload = Array(reply[..<header])
    for value in [offset, length, skipped + length, 0] {
      withUnsafeBytes(of: UInt32(value).littleEndian) { payload.append(contentsOf: $0) }
    }
    return payload
  }
}
