import Glibc
package import ProviumSystem

/// The header of a request.
///
///     magic 0x25609513 (u32)  flags (u16)  command (u16)  cookie (u64)  offset (u64)  length (u32)
package struct NBDRequest: Sendable, Hashable {
  package enum Content: Sendable, Hashable {
    case disk(DiskRequest)
    case disconnect
    /// Answered with an error; `payload` bytes follow, and are skipped.
    case refused(Errno, payload: Int)
  }

  package let cookie: UInt64
  package let content: Content

  package static let headerSize = 28

  /// Bytes that are not a request, or a write that is too large to be skipped: the connection cannot be used any more.
  package struct Violation: Error {}

  /// - Parameter header: `headerSize` bytes.
  package init(header: [UInt8], export: NBDExport) throws(Violation) {
    guard header.integer(at: 0, as: UInt32.self, .bigEndian) == NBDCode.requestMagic,
      let flags: UInt16 = header.integer(at: 4, .bigEndian),
      let number: UInt16 = header.integer(at: 6, .bigEndian),
      let cookie: UInt64 = header.integer(at: 8, .bigEndian),
      let offset: UInt64 = header.integer(at: 16, .bigEndian),
      let length: UInt32 = header.integer(at: 24, .bigEndian)
    else { throw Violation() }
    self.cookie = cookie
    let command = NBDCode.Command(rawValue: number)
    let payload = command == .write ? Int(length) : 0
    guard payload <= NBDExport.largestRequest else { throw Violation() }
    guard let operation = Self.operation(command) else {
      content = command == .disconnect ? .disconnect : .refused(Errno(EINVAL), payload: 0)
      return
    }
    let isDurable = flags & NBDCode.CommandFlag.durable != 0
    let isKnown = flags & ~(NBDCode.CommandFlag.durable | NBDCode.CommandFlag.noHole) == 0
    if operation == .flush {
      // Some clients send an offset or a length.
      content = isKnown ? .disk(DiskRequest(.flush)) : .refused(Errno(EINVAL), payload: 0)
      return
    }
    let (size, count) = (UInt64(export.size), UInt64(length))
    let isAligned = (offset | count) % UInt64(export.sectorSize) == 0
    let isTooLarge = operation == .read && count > UInt64(NBDExport.largestRequest)
    guard isKnown, isAligned, count > 0, !isTooLarge else {
      content = .refused(Errno(EINVAL), payload: payload)
      return
    }
    guard offset <= size, count <= size - offset else {
      let isChange = operation != .read
      content = .refused(Errno(isChange ? ENOSPC : EINVAL), payload: payload)
      return
    }
    content = .disk(DiskRequest(operation, offset: Int(offset), count: Int(count), isDurable: isDurable))
  }

  private static func operation(_ command: NBDCode.Command?) -> DiskRequest.Operation? {
    switch command {
    case .read: .read
    case .write: .write
    case .flush: .flush
    case .trim: .trim
    case .writeZeroes: .zero
    case .disconnect, nil: nil
    }
  }

  package static let replySize = 16

  /// Fills the header of a simple reply: magic (u32), error (u32), cookie (u64).
  static func fillReply(_ buffer: UnsafeMutableRawBufferPointer, cookie: UInt64, errno: Errno?) {
    buffer.storeBytes(of: NBDCode.replyMagic.bigEndian, as: UInt32.self)
    buffer.storeBytes(of: UInt32(errno?.number ?? 0).bigEndian, toByteOffset: 4, as: UInt32.self)
    buffer.storeBytes(of: cookie.bigEndian, toByteOffset: 8, as: UInt64.self)
  }
}
