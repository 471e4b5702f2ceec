/// Sizes of Ethernet frames without their checksum, in bytes.
package enum FrameSize {
  /// Destination, source, type.
  package static let header = 14
  /// The largest frame: an MTU of 65,535 with a VLAN tag.
  package static let largest = 65535 + header + 4
}

/// Numbers of the type field (IEEE 802 registry).
package enum EtherType {
  package static let ipv4: UInt16 = 0x0800
  package static let arp: UInt16 = 0x0806
  package static let vlan: UInt16 = 0x8100
  package static let ipv6: UInt16 = 0x86DD
}

/// Numbers of the protocol field (IANA registry).
package enum IPProtocol {
  package static let icmp: UInt8 = 1
  package static let tcp: UInt8 = 6
  package static let udp: UInt8 = 17
  package static let icmpV6: UInt8 = 58
}
