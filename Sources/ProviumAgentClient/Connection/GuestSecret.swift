/// What a machine with vsock and its Provium alone know: any process of the host can connect to a guest's port, and only the
/// one that shows the secret is served. A resumed machine has that of its snapshot, whose memory holds it.
package struct GuestSecret: Sendable, Hashable, Codable, CustomStringConvertible {
  /// `WireLimit.secretSize` of them.
  package let bytes: [UInt8]

  /// Never said: a secret must not get into a message or a log.
  package var description: String { "(secret)" }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// A fresh one.
  package static func random() -> GuestSecret { GuestSecret(bytes: Random.bytes(WireLimit.secretSize)) }

  /// As hexadecimal digits, for a manifest that nobody else can read.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let digits = Array(try container.decode(String.self).utf8)
    let bytes = stride(from: 0, to: digits.count - digits.count % 2, by: 2).compactMap {
      UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
    }
    guard digits.count == 2 * WireLimit.secretSize, bytes.count == WireLimit.secretSize else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a machine's secret")
    }
    self.bytes = bytes
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(hex)
  }

  /// Two digits a byte.
  package var hex: String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
