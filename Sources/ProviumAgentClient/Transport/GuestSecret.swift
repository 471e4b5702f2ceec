import ProviumSystem

/// The secret that a connection over vsock begins with. Any process of the host can connect to a guest's
/// vsock port; the agent serves only a connection that presents the VM's secret. A resumed VM has the secret
/// of its snapshot, because the snapshot's memory contains it.
package struct GuestSecret: Sendable, Hashable, Codable, CustomStringConvertible {
  /// `WireLimit.secretSize` bytes.
  package let bytes: [UInt8]

  /// Not the secret itself, which must not get into a message or a log.
  package var description: String { "(secret)" }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// Returns a new random secret.
  package static func random() -> GuestSecret { GuestSecret(bytes: Random.bytes(WireLimit.secretSize)) }

  /// Decodes hexadecimal digits of a manifest that only this user can read.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let bytes = Hex.bytes(try container.decode(String.self)), bytes.count == WireLimit.secretSize else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a VM's secret")
    }
    self.bytes = bytes
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(hex)
  }

  /// The secret as hexadecimal digits, two for each byte.
  package var hex: String { Hex.text(bytes) }

  /// Encodes SECRET, the first message of a connection over vsock.
  func message() throws -> EncodedMessage {
    let writer = MessageWriter(.secret)
    writer.bytes(bytes)
    return try writer.finish()
  }
}
