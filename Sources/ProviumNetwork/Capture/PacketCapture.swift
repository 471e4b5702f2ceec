import Glibc
import ProviumSystem

/// Writes frames into a pcapng file (draft-ietf-opsawg-pcapng): one interface for each port of a network.
///
/// A frame appears on the interface of its sender as received, and on that of each receiver as sent. A frame that was dropped
/// appears on the receiver's interface with a comment that says why.
final class PacketCapture {
  private enum Block {
    static let section: UInt32 = 0x0A0D_0D0A
    static let interface: UInt32 = 1
    static let packet: UInt32 = 6
  }
  private enum Option {
    static let comment: UInt16 = 1
    /// Of an interface.
    static let name: UInt16 = 2
    static let timeResolution: UInt16 = 9
    /// Of a packet: 1 inbound, 2 outbound.
    static let flags: UInt16 = 2
  }
  private static let ethernet: UInt16 = 1
  private static let bufferSize = 1 << 18

  private let file: Descriptor
  private var buffer: [UInt8] = []
  /// The first error of a write; nothing is written after it.
  private(set) var failure: Errno?
  private(set) var packets = 0

  /// - Parameter interfaces: the names of the ports, in the order of their numbers.
  init(_ file: consuming Descriptor, interfaces: [String]) {
    self.file = file
    buffer.reserveCapacity(Self.bufferSize + FrameSize.largest * 2)
    begin(Block.section)
    append(UInt32(0x1A2B_3C4D))
    append(UInt16(1))
    append(UInt16(0))
    append(UInt64.max)
    end()
    for name in interfaces { addInterface(name) }
  }

  /// The present: nanoseconds since 1970.
  static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  func addInterface(_ name: String) {
    begin(Block.interface)
    append(Self.ethernet)
    append(UInt16(0))
    append(UInt32(0))
    option(Option.name, Array(name.utf8))
    // 10^-9 seconds.
    option(Option.timeResolution, [9])
    append(UInt32(0))
    end()
  }

  /// Adds a frame.
  /// - Parameters:
  ///   - length: the bytes that are written.
  ///   - whole: the bytes of the whole frame; nil: `length`.
  ///   - time: nanoseconds since 1970; nil: now.
  func add(
    _ frame: UnsafeRawPointer,
    _ length: Int,
    of whole: Int? = nil,
    interface: PortNumber,
    isInbound: Bool,
    comment: String?,
    time: UInt64? = nil
  ) {
    let time = time ?? Self.now
    packets += 1
    begin(Block.packet)
    append(UInt32(interface.index))
    append(UInt32(truncatingIfNeeded: time >> 32))
    append(UInt32(truncatingIfNeeded: time))
    append(UInt32(length))
    append(UInt32(whole ?? length))
    buffer.append(contentsOf: UnsafeRawBufferPointer(start: frame, count: length))
    pad(length)
    append(Option.flags)
    append(UInt16(4))
    append(UInt32(isInbound ? 1 : 2))
    if let comment { option(Option.comment, Array(comment.utf8)) }
    append(UInt32(0))
    end()
    if buffer.count >= Self.bufferSize { flush() }
  }

  /// Writes what is in memory.
  func flush() {
    var rest = buffer[...]
    while !rest.isEmpty, failure == nil {
      let written = rest.withUnsafeBytes { write(file.raw, $0.baseAddress, $0.count) }
      if written > 0 { rest = rest.dropFirst(written) } else if errno != EINTR { failure = .current }
    }
    buffer.removeAll(keepingCapacity: true)
  }

  // MARK: Blocks: type u32 | length u32 | body, padded to 4 bytes | length u32

  private var start = 0

  private func begin(_ type: UInt32) {
    start = buffer.count
    append(type)
    append(UInt32(0))
  }

  private func end() {
    let length = UInt32(buffer.count - start + 4)
    withUnsafeBytes(of: length.littleEndian) { bytes in
      for index in 0..<4 { buffer[start + 4 + index] = bytes[index] }
    }
    append(length)
  }

  private func option(_ code: UInt16, _ value: [UInt8]) {
    append(code)
    append(UInt16(truncatingIfNeeded: value.count))
    buffer.append(contentsOf: value)
    pad(value.count)
  }

  private func pad(_ length: Int) { for _ in 0..<((4 - length % 4) % 4) { buffer.append(0) } }

  private func append<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.littleEndian) { buffer.append(contentsOf: $0) }
  }
}
