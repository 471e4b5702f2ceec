/// An encoded message: `type u8 | length u32 | payload`. The last part of the payload may stay in the
/// caller's memory; it is the tail.
package struct EncodedMessage {
  package let code: MessageCode
  /// Header and payload, up to the tail.
  let head: ByteQueue
  /// Bytes of payload that follow the head and are not copied into it.
  let tailCount: Int

  /// A copy of header and payload, without the tail.
  package var contents: [UInt8] { head.contents }
}
