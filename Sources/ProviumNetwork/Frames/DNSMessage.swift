import ProviumSystem

/// A DNS message (RFC 1035) with one question, and answers that are addresses.
public struct DNSMessage: Hashable, Sendable {
  /// Numbers of record types.
  public enum RecordType {
    /// IPv4 addresses.
    public static let a: UInt16 = 1
    /// IPv6 addresses.
    public static let aaaa: UInt16 = 28
  }
  /// Numbers of results.
  public enum ResponseCode {
    /// No error.
    public static let ok: UInt8 = 0
    /// The name does not exist (NXDOMAIN).
    public static let noSuchName: UInt8 = 3
  }
  private static let headerSize = 12
  private static let internet: UInt16 = 1
  private static let longestName = 253

  /// The number by which a client recognizes the response.
  public var identifier: UInt16
  /// Whether a server sent the message.
  public var isResponse = false
  /// The result, of ``ResponseCode``.
  public var responseCode: UInt8 = 0
  /// Without a dot at the end; in lower case.
  public var name: String
  /// The type of the records that are asked for, of ``RecordType``.
  public var type: UInt16
  /// The addresses of the name.
  public var answers: [IPAddress] = []

  /// Creates a query.
  public init(identifier: UInt16, name: String, type: UInt16) {
    self.identifier = identifier
    self.name = name.lowercased()
    self.type = type
  }

  /// Decodes the header and the question; nil for other bytes. The answers of a response are not decoded.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.headerSize, let identifier: UInt16 = bytes.integer(at: 0, .bigEndian),
      let questions: UInt16 = bytes.integer(at: 4, .bigEndian), questions == 1
    else { return nil }
    var labels: [String] = []
    var (at, length) = (Self.headerSize, 0)
    while true {
      guard at < bytes.count else { return nil }
      let size = Int(bytes[at])
      if size == 0 { break }
      // A question has no compressed names: 64 and more would be a pointer.
      guard size < 64, at + 1 + size < bytes.count, length + size + 1 <= Self.longestName else { return nil }
      labels.append(String(decoding: bytes[(at + 1)...(at + size)], as: UTF8.self))
      length += size + 1
      at += size + 1
    }
    guard let type: UInt16 = bytes.integer(at: at + 1, .bigEndian) else { return nil }
    self.init(identifier: identifier, name: labels.joined(separator: "."), type: type)
    isResponse = bytes[2] & 0x80 != 0
    responseCode = bytes[3] & 15
  }

  /// The bytes of the message, for the payload of a datagram.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendBig(identifier)
    // Recursion desired and available; authoritative answers.
    bytes += isResponse ? [0x85, 0x80 | responseCode & 15] : [0x01, 0]
    bytes.appendBig(UInt16(1))
    bytes.appendBig(UInt16(truncatingIfNeeded: answers.count))
    bytes.appendBig(UInt32(0))
    for label in name.split(separator: ".") {
      let text = Array(label.utf8.prefix(63))
      bytes += [UInt8(text.count)] + text
    }
    bytes.append(0)
    bytes.appendBig(type)
    bytes.appendBig(Self.internet)
    for answer in answers {
      // The name is a pointer to that of the question.
      bytes += [0xC0, UInt8(Self.headerSize)]
      bytes.appendBig(answer.isV6 ? RecordType.aaaa : RecordType.a)
      bytes.appendBig(Self.internet)
      bytes.appendBig(UInt32(60))
      bytes.appendBig(UInt16(answer.bytes.count))
      bytes += answer.bytes
    }
    return bytes
  }
}
