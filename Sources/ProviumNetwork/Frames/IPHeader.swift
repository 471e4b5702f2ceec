import ProviumSystem

/// The header of an IPv4 packet (RFC 791), or of an IPv6 packet (RFC 8200) without extension headers.
public struct IPHeader: Hashable, Sendable {
  /// The address of the sender.
  public var source: IPAddress
  /// The address of the receiver, of the same family.
  public var destination: IPAddress
  /// The protocol of the payload; of IPv6 the next header. An encoded frame has that of its next layer instead of 0.
  public var transport: UInt8
  /// The time to live; of IPv6 the hop limit.
  public var ttl: UInt8 = 64
  /// The type of service; of IPv6 the traffic class.
  public var trafficClass: UInt8 = 0
  /// IPv4 alone.
  public var identification: UInt16 = 0
  /// IPv4 alone.
  public var doesNotFragment = false
  /// IPv4 alone.
  public var hasMoreFragments = false
  /// In units of 8 bytes.
  public var fragmentOffset: UInt16 = 0
  /// Of IPv4, as they were received; a multiple of 4 bytes.
  public var options: [UInt8] = []

  /// Creates a header.
  /// - Parameter transport: the protocol of the payload; 0: that of the frame's next layer.
  public init(source: IPAddress, destination: IPAddress, transport: UInt8 = 0) {
    self.source = source
    self.destination = destination
    self.transport = transport
  }

  /// Decodes a packet.
  /// - Returns: the header and the payload, without the padding of a short frame; nil for a malformed packet.
  static func decode(_ bytes: [UInt8], isV6: Bool) -> (IPHeader, [UInt8])? {
    isV6 ? decodeV6(bytes) : decodeV4(bytes)
  }

  private static func decodeV4(_ bytes: [UInt8]) -> (IPHeader, [UInt8])? {
    guard bytes.count >= 20, bytes[0] >> 4 == 4 else { return nil }
    let length = Int(bytes[0] & 15) * 4
    let total = Int(bytes[2]) << 8 | Int(bytes[3])
    guard length >= 20, total >= length, total <= bytes.count,
      let source = IPAddress(bytes: Array(bytes[12..<16])),
      let destination = IPAddress(bytes: Array(bytes[16..<20]))
    else { return nil }
    var header = IPHeader(source: source, destination: destination, transport: bytes[9])
    header.ttl = bytes[8]
    header.trafficClass = bytes[1]
    header.identification = UInt16(bytes[4]) << 8 | UInt16(bytes[5])
    let fragment = UInt16(bytes[6]) << 8 | UInt16(bytes[7])
    header.doesNotFragment = fragment & 0x4000 != 0
    header.hasMoreFragments = fragment & 0x2000 != 0
    header.fragmentOffset = fragment & 0x1FFF
    header.options = Array(bytes[20..<length])
    return (header, Array(bytes[length..<total]))
  }

  private static func decodeV6(_ bytes: [UInt8]) -> (IPHeader, [UInt8])? {
    guard bytes.count >= 40, bytes[0] >> 4 == 6 else { return nil }
    let length = Int(bytes[4]) << 8 | Int(bytes[5])
    guard 40 + length <= bytes.count, let source = IPAddress(bytes: Array(bytes[8..<24])),
      let destination = IPAddress(bytes: Array(bytes[24..<40]))
    else { return nil }
    var header = IPHeader(source: source, destination: destination, transport: bytes[6])
    header.ttl = bytes[7]
    header.trafficClass = bytes[0] << 4 | bytes[1] >> 4
    return (header, Array(bytes[40..<(40 + length)]))
  }

  /// The packet with a payload, with length and header checksum.
  func encoded(_ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    if source.isV6 {
      bytes += [0x60 | trafficClass >> 4, trafficClass << 4, 0, 0]
      bytes.appendBig(UInt16(truncatingIfNeeded: payload.count))
      return bytes + [transport, ttl] + source.bytes + destination.bytes + payload
    }
    let length = 20 + options.count
    bytes += [0x40 | UInt8(truncatingIfNeeded: length / 4) & 15, trafficClass]
    bytes.appendBig(UInt16(truncatingIfNeeded: length + payload.count))
    bytes.appendBig(identification)
    let flags: UInt16 = (doesNotFragment ? 0x4000 : 0) | (hasMoreFragments ? 0x2000 : 0)
    bytes.appendBig(flags | fragmentOffset & 0x1FFF)
    bytes += [ttl, transport, 0, 0] + source.bytes + destination.bytes + options
    bytes.setBig(Checksum.of(bytes), at: 10)
    return bytes + payload
  }

  /// The sum of the pseudo header (RFC 768, RFC 8200 section 8.1).
  /// - Parameter length: bytes of the transport's header and payload.
  func pseudoHeaderSum(_ transport: UInt8, length: Int) -> UInt64 {
    var sum = UInt64(transport) + UInt64(length)
    for address in [source, destination] {
      for index in stride(from: 0, to: address.bytes.count, by: 2) {
        sum += UInt64(address.bytes[index]) << 8 | UInt64(address.bytes[index + 1])
      }
    }
    return sum
  }
}
