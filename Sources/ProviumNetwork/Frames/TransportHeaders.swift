import ProviumSystem

/// The header of an ICMP message (RFC 792) or an ICMPv6 message (RFC 4443): `type u8, code u8, checksum u16, rest u32`.
public struct ICMPHeader: Hashable, Sendable {
  static let size = 8

  /// 8 and 0: an echo request and its reply; of ICMPv6 128 and 129.
  public var type: UInt8
  /// The number within the type.
  public var code: UInt8
  /// Of an echo: the identifier in the upper half, the sequence number in the lower one.
  public var rest: UInt32

  /// Creates a header.
  public init(type: UInt8, code: UInt8 = 0, rest: UInt32 = 0) {
    self.type = type
    self.code = code
    self.rest = rest
  }

  init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.size, let rest: UInt32 = bytes.integer(at: 4, .bigEndian) else { return nil }
    self.init(type: bytes[0], code: bytes[1], rest: rest)
  }

  func encoded(_ payload: [UInt8], _ ip: IPHeader) -> [UInt8] {
    var bytes: [UInt8] = [type, code, 0, 0]
    bytes.appendBig(rest)
    bytes += payload
    let isV6 = ip.source.isV6
    let start = isV6 ? ip.pseudoHeaderSum(IPProtocol.icmpV6, length: bytes.count) : 0
    bytes.setBig(Checksum.of(bytes, start: start), at: 2)
    return bytes
  }
}

/// The header of a UDP datagram (RFC 768): `source u16, destination u16, length u16, checksum u16`.
public struct UDPHeader: Hashable, Sendable {
  static let size = 8

  /// The port of the sender.
  public var source: UInt16
  /// The port of the receiver.
  public var destination: UInt16

  /// Creates a header.
  public init(source: UInt16, destination: UInt16) {
    self.source = source
    self.destination = destination
  }

  init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.size, let source: UInt16 = bytes.integer(at: 0, .bigEndian),
      let destination: UInt16 = bytes.integer(at: 2, .bigEndian)
    else { return nil }
    self.init(source: source, destination: destination)
  }

  func encoded(_ payload: [UInt8], _ ip: IPHeader) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendBig(source)
    bytes.appendBig(destination)
    bytes.appendBig(UInt16(truncatingIfNeeded: Self.size + payload.count))
    bytes.appendBig(UInt16(0))
    bytes += payload
    let sum = Checksum.of(
      bytes,
      start: ip.pseudoHeaderSum(IPProtocol.udp, length: bytes.count)
    )
    // 0 would mean that there is no checksum.
    bytes.setBig(sum == 0 ? 0xFFFF : sum, at: 6)
    return bytes
  }
}

/// The header of a TCP segment (RFC 9293).
public struct TCPHeader: Hashable, Sendable {
  static let size = 20

  /// The port of the sender.
  public var source: UInt16
  /// The port of the receiver.
  public var destination: UInt16
  /// The number of the first byte of the payload.
  public var sequence: UInt32 = 0
  /// The number of the byte that is expected next.
  public var acknowledgement: UInt32 = 0
  /// CWR, ECE, URG, ACK, PSH, RST, SYN, FIN: from 0x80 to 0x01.
  public var flags: UInt8 = 0
  /// The number of bytes that the sender accepts.
  public var window: UInt16 = 0
  /// The end of urgent data.
  public var urgent: UInt16 = 0
  /// A multiple of 4 bytes, at most 40.
  public var options: [UInt8] = []

  /// No more data from the sender.
  public static let fin: UInt8 = 1
  /// The beginning of a connection.
  public static let syn: UInt8 = 2
  /// The end of a connection at once.
  public static let reset: UInt8 = 4
  /// Data is to be handed over at once.
  public static let push: UInt8 = 8
  /// The acknowledgement counts.
  public static let ack: UInt8 = 16

  /// Creates a header.
  public init(source: UInt16, destination: UInt16) {
    self.source = source
    self.destination = destination
  }

  init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.size else { return nil }
    let length = Int(bytes[12] >> 4) * 4
    guard length >= Self.size, length <= bytes.count, let source: UInt16 = bytes.integer(at: 0, .bigEndian),
      let destination: UInt16 = bytes.integer(at: 2, .bigEndian)
    else { return nil }
    self.init(source: source, destination: destination)
    sequence = bytes.integer(at: 4, .bigEndian) ?? 0
    acknowledgement = bytes.integer(at: 8, .bigEndian) ?? 0
    flags = bytes[13]
    window = bytes.integer(at: 14, .bigEndian) ?? 0
    urgent = bytes.integer(at: 18, .bigEndian) ?? 0
    options = Array(bytes[Self.size..<length])
  }

  func encoded(_ payload: [UInt8], _ ip: IPHeader) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendBig(source)
    bytes.appendBig(destination)
    bytes.appendBig(sequence)
    bytes.appendBig(acknowledgement)
    let padded = options.prefix(40) + Array(repeating: 0, count: (4 - options.count % 4) % 4)
    bytes += [UInt8((Self.size + padded.count) / 4) << 4, flags]
    bytes.appendBig(window)
    bytes.appendBig(UInt16(0))
    bytes.appendBig(urgent)
    bytes += padded + payload
    let sum = Checksum.of(bytes, start: ip.pseudoHeaderSum(IPProtocol.tcp, length: bytes.count))
    bytes.setBig(sum, at: 16)
    return bytes
  }
}
