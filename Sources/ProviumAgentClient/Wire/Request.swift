/// Encoders of requests. The encoder of an operation is in the file of the operation. `provium_wire.h` draws
/// the layouts.
enum Request {
  static func empty(_ code: MessageCode) throws -> EncodedMessage { try MessageWriter(code).finish() }

  /// Encodes a request whose payload is one text: a path, a command.
  static func text(_ code: MessageCode, _ text: ByteString) throws -> EncodedMessage {
    let writer = MessageWriter(code, capacity: text.count)
    writer.bytes(text.bytes)
    return try writer.finish()
  }

  /// Encodes a request whose whole payload is the tail, of `count` bytes.
  static func bytes(_ code: MessageCode, count: Int) throws -> EncodedMessage {
    try MessageWriter(code).finish(tail: count)
  }

  /// Converts a time limit to milliseconds, rounded up. The result is at least 1, because 0 means no limit.
  /// More than 46 days become `UInt32.max`.
  static func wireMilliseconds(_ duration: Duration) -> UInt32 {
    let (seconds, attoseconds) = duration.components
    guard seconds < 4_000_000 else { return .max }
    guard seconds >= 0, attoseconds >= 0 else { return 1 }
    return UInt32(
      clamping: max(1, seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    )
  }
}
