import ProviumSystem

/// The header at the front of every message: `type u8 | length u32`, little-endian.
struct MessageHeader {
  let code: MessageCode
  /// Bytes of payload.
  let length: Int

  /// Bytes of header and payload.
  var messageSize: Int { WireLimit.headerSize + length }

  /// Decodes the header at the front of a queue; nil when it has not come completely.
  /// - Parameter sender: for the error: "worker 3 (pid 57)".
  /// - Throws: `ProtocolViolation` when the header promises a payload of more than `limit` bytes.
  init?(_ inbox: ByteQueue, limit: Int, sender: String) throws {
    let bytes = inbox.bytes
    guard let type = bytes.first, let length = ByteReader(bytes).integer(at: 1, as: UInt32.self) else {
      return nil
    }
    code = MessageCode(rawValue: type)
    self.length = Int(length)
    guard self.length <= limit else {
      throw ProtocolViolation(sender: sender, code: code, length: self.length, what: "an oversized")
    }
  }
}
