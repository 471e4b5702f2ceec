/// One message on its way out: `type u8 | length u32 | payload`, of which the last part may stay where it is.
package struct EncodedMessage {
  package let code: MessageCode
  /// Header and payload, up to the tail.
  let head: ByteQueue
  /// Bytes of payload that follow the head without having been copied into it.
  let tailCount: Int

  /// Header and payload without the tail.
  package var contents: [UInt8] { head.contents }
}

/// Builds a message's bytes: integers little-endian, no padding.
struct MessageWriter {
  private let code: MessageCode
  private let queue: ByteQueue

  init(_ code: MessageCode, capacity: Int = 128) {
    self.code = code
    queue = ByteQueue(capacity: capacity + WireLimit.headerSize)
    queue.append(code.rawValue)
    queue.append(UInt32(0))
  }

  /// Bytes of payload so far.
  var count: Int { queue.count - WireLimit.headerSize }

  func integer<Value: FixedWidthInteger>(_ value: Value) { queue.append(value) }
  func bytes(_ bytes: UnsafeRawBufferPointer) { queue.append(bytes) }
  func bytes(_ bytes: [UInt8]) { queue.append(bytes) }

  /// `length u32, bytes`.
  func counted(_ bytes: ByteString) {
    queue.append(UInt32(clamping: bytes.count))
    queue.append(bytes.bytes)
  }

  func zeros(_ count: Int) {
    for _ in 0..<count { queue.append(UInt8(0)) }
  }

  /// Fails when the payload, the tail included, is larger than a message can be.
  func finish(tail: Int = 0) throws -> EncodedMessage {
    let length = count + tail
    guard length <= WireLimit.payload else {
      throw InvalidArgument("data", "a request of \(length) bytes; one message carries \(WireLimit.payload)")
    }
    queue.overwrite(UInt32(length), at: 1)
    return EncodedMessage(code: code, head: queue, tailCount: tail)
  }
}
