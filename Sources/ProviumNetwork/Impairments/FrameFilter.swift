/// A condition on frames. Every field that is set must match.
package struct FrameFilter: Hashable, Sendable, Codable {
  package enum Kind: String, Sendable, CaseIterable, Codable { case arp, ipv4, ipv6, icmp, icmp6, udp, tcp }

  package var kind: Kind?
  /// The source or the destination port of UDP or TCP.
  package var port: UInt16?

  package init(kind: Kind? = nil, port: UInt16? = nil) {
    self.kind = kind
    self.port = port
  }

  /// Reads no further than `length`, whatever the frame claims.
  func matches(_ frame: UnsafeRawPointer, _ length: Int) -> Bool {
    guard let kind else { return true }
    let headers = FrameHeaders(frame, length)
    switch kind {
    case .arp: return headers.etherType == EtherType.arp
    case .ipv4: return headers.etherType == EtherType.ipv4
    case .ipv6: return headers.etherType == EtherType.ipv6
    // Apart: guests send ICMPv6 frames for neighbour discovery at any time, which would be counted with pings.
    case .icmp: return headers.ipProtocol == IPProtocol.icmp
    case .icmp6: return headers.ipProtocol == IPProtocol.icmpV6
    case .udp: return headers.ipProtocol == IPProtocol.udp && matchesPort(headers)
    case .tcp: return headers.ipProtocol == IPProtocol.tcp && matchesPort(headers)
    }
  }

  private func matchesPort(_ headers: FrameHeaders) -> Bool {
    guard let port else { return true }
    return headers.sourcePort == port || headers.destinationPort == port
  }
}

/// The few fields of a frame that filters compare, read without allocation.
struct FrameHeaders {
  private(set) var etherType: UInt16 = 0
  private(set) var ipProtocol: UInt8?
  private(set) var sourcePort: UInt16?
  private(set) var destinationPort: UInt16?

  init(_ frame: UnsafeRawPointer, _ length: Int) {
    func word(_ offset: Int) -> UInt16? {
      offset + 2 <= length
        ? UInt16(bigEndian: frame.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) : nil
    }
    func byte(_ offset: Int) -> UInt8? {
      offset < length ? frame.load(fromByteOffset: offset, as: UInt8.self) : nil
    }
    guard length >= FrameSize.header, let type = word(12) else { return }
    var start = FrameSize.header
    etherType = type
    if type == EtherType.vlan, let inner = word(16) {
      etherType = inner
      start += 4
    }
    let transport: Int
    switch etherType {
    case EtherType.ipv4:
      guard let first = byte(start), let fragment = word(start + 6) else { return }
      ipProtocol = byte(start + 9)
      // Only the first fragment has ports.
      guard fragment & 0x1FFF == 0 else { return }
      transport = start + Int(first & 15) * 4
    case EtherType.ipv6:
      ipProtocol = byte(start + 6)
      transport = start + 40
    default: return
    }
    sourcePort = word(transport)
    destinationPort = word(transport + 2)
  }
}
