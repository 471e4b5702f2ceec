/// A decoded Ethernet frame. Layers that a frame does not have, or that are cut short or malformed, are nil; what follows the
/// last decoded layer is the payload. Any bytes can be decoded.
package struct Frame: Hashable, Sendable {
  package var destination = MACAddress.zero
  package var source = MACAddress.zero
  /// Of the payload: the type after a VLAN tag, where there is one.
  package var etherType: UInt16 = 0
  /// The VLAN's number with its priority bits (IEEE 802.1Q).
  package var vlan: UInt16?
  package var arp: ARPMessage?
  package var ip: IPHeader?
  package var icmp: ICMPHeader?
  package var udp: UDPHeader?
  package var tcp: TCPHeader?
  package var payload: [UInt8] = []

  package init() {}

  /// Decodes a frame.
  package init(_ bytes: [UInt8]) {
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
  package var encoded: [UInt8] {
    var bytes = destination.bytes + source.bytes
    if let vlan {
      bytes.appendBig(EtherType.vlan)
      bytes.appendBig(vlan)
    }
    bytes.appendBig(presentType)
    if let arp { return bytes + arp.encoded + payload }
    guard let ip else { return bytes + payload }
    return bytes + ip.encoded(transport(for: ip))
  }

  private var presentType: UInt16 {
    if arp != nil { return EtherType.arp }
    if let ip { return ip.source.isV6 ? EtherType.ipv6 : EtherType.ipv4 }
    return etherType
  }

  private func transport(for ip: IPHeader) -> [UInt8] {
    if let icmp { return icmp.encoded(payload, ip) }
    if let udp { return udp.encoded(payload, ip) }
    if let tcp { return tcp.encoded(payload, ip) }
    return payload
  }
}
