/// A decoded Ethernet frame. Layers that a frame does not have, or that are cut short or malformed, are nil; what follows the
/// last decoded layer is the payload. Any bytes can be decoded.
public struct Frame: Hashable, Sendable {
  /// The Ethernet address of the receiver. A station fills in the broadcast address for ``MACAddress/zero``.
  public var destination = MACAddress.zero
  /// The Ethernet address of the sender. A station fills in its own for ``MACAddress/zero``.
  public var source = MACAddress.zero
  /// Of the payload: the type after a VLAN tag, where there is one.
  public var etherType: UInt16 = 0
  /// The VLAN's number with its priority bits (IEEE 802.1Q).
  public var vlan: UInt16?
  /// The ARP message; of a frame that is encoded, instead of all later layers.
  public var arp: ARPMessage?
  /// The header of the IP packet.
  public var ip: IPHeader?
  /// The header of the ICMP or ICMPv6 message in the IP packet.
  public var icmp: ICMPHeader?
  /// The header of the UDP datagram in the IP packet.
  public var udp: UDPHeader?
  /// The header of the TCP segment in the IP packet.
  public var tcp: TCPHeader?
  /// The bytes after the last layer.
  public var payload: [UInt8] = []

  /// Creates a frame without layers.
  public init() {}

  /// Decodes a frame.
  public init(_ bytes: [UInt8]) {
    guard bytes.count >= FrameSize.header else {
      payload = bytes
      return
    }
    bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return }
      destination = MACAddress(at: start)
      source = MACAddress(at: start + MACAddress.size)
    }
    etherType = bytes.integer(at: 12, .bigEndian) ?? 0
    var rest = bytes[FrameSize.header...]
    if etherType == EtherType.vlan, let tag: UInt16 = bytes.integer(at: 14, .bigEndian),
      let inner: UInt16 = bytes.integer(at: 16, .bigEndian)
    {
      vlan = tag
      etherType = inner
      rest = rest.dropFirst(4)
    }
    decodeNetwork(Array(rest))
  }

  private mutating func decodeNetwork(_ bytes: [UInt8]) {
    payload = bytes
    switch etherType {
    case EtherType.arp:
      guard let message = ARPMessage(bytes) else { return }
      arp = message
      payload = []
    case EtherType.ipv4, EtherType.ipv6:
      guard let (header, inner) = IPHeader.decode(bytes, isV6: etherType == EtherType.ipv6) else { return }
      ip = header
      payload = inner
      if header.fragmentOffset == 0 { decodeTransport(inner, header.transport) }
    default: break
    }
  }

  private mutating func decodeTransport(_ bytes: [UInt8], _ transport: UInt8) {
    switch transport {
    case IPProtocol.icmp, IPProtocol.icmpV6:
      guard let header = ICMPHeader(bytes) else { return }
      icmp = header
      payload = Array(bytes.dropFirst(ICMPHeader.size))
    case IPProtocol.udp:
      guard let header = UDPHeader(bytes) else { return }
      udp = header
      payload = Array(bytes.dropFirst(UDPHeader.size))
    case IPProtocol.tcp:
      guard let header = TCPHeader(bytes) else { return }
      tcp = header
      payload = Array(bytes.dropFirst(TCPHeader.size + header.options.count))
    default: break
    }
  }

  // MARK: Encoding

  /// The bytes of the frame, with lengths and checksums filled in.
  public var encoded: [UInt8] {
    var bytes = destination.bytes + source.bytes
    if let vlan {
      bytes.appendBig(EtherType.vlan)
      bytes.appendBig(vlan)
    }
    bytes.appendBig(presentType)
    if let arp { return bytes + arp.encoded + payload }
    guard var ip else { return bytes + payload }
    if ip.transport == 0 { ip.transport = presentTransport(ip) }
    return bytes + ip.encoded(transport(for: ip))
  }

  private var presentType: UInt16 {
    if arp != nil { return EtherType.arp }
    if let ip { return ip.source.isV6 ? EtherType.ipv6 : EtherType.ipv4 }
    return etherType
  }

  private func presentTransport(_ ip: IPHeader) -> UInt8 {
    if icmp != nil { return ip.source.isV6 ? IPProtocol.icmpV6 : IPProtocol.icmp }
    return udp != nil ? IPProtocol.udp : tcp != nil ? IPProtocol.tcp : 0
  }

  private func transport(for ip: IPHeader) -> [UInt8] {
    if let icmp { return icmp.encoded(payload, ip) }
    if let udp { return udp.encoded(payload, ip) }
    if let tcp { return tcp.encoded(payload, ip) }
    return payload
  }
}
