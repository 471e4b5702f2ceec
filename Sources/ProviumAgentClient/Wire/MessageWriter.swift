/// Encodes a message: little-endian integers, no padding.
struct MessageWriter {
  private let code: MessageCode
  private let queue: ByteQueue

  init(_ code: MessageCode, capacity: Int = 128) {
    self.code = code
    queue = ByteQueue(capacity: capacity + WireLimit.headerSize)
    queue.append(code.rawValue)
    queue.append(UInt32(0))
  }

  /// Bytes of payload that have been written.
  var count: Int { queue.count - WireLimit.headerSize }

  func integer<Value: FixedWidthInteger>(_ value: Value) { queue.append(value) }
  func bytes(_ bytes: UnsafeRawBufferPointer) { queue.append(bytes) }
  func bytes(_ bytes: [UInt8]) { queue.append(bytes) }

  /// Writes `length u32, bytes`.
  func counted(_ bytes: ByteString) {
    queue.append(UInt32(clamping: bytes.count))
    queue.append(bytes.bytes)
  }

  func zeros(_ count: Int) {
    for _ in 0..<count { queue.append(UInt8(0)) }
  }

  /// Completes the message. Fails when the payload, including the tail, is larger than one message can be.
  func finish(tail: Int = 0) throws -> EncodedMessage {
    let length = count + tail
    guard length <= WireLimit.payload else {
      throw InvalidArgument(.data, "a request of \(length) bytes; one message carries \(WireLimit.payload)")
    }
    queue.overwrite(UInt32(length), at: 1)
    return EncodedMessage(code: code, head: queue, tailCount: tail)
  }
}
