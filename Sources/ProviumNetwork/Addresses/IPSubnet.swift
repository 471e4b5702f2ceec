/// The addresses of one network: `10.7.0.0/24`, `fd07::/64`.
package struct IPSubnet: Hashable, Sendable, Codable, CustomStringConvertible {
  /// With zeros after the prefix.
  package let base: IPAddress
  /// Bits.
  package let prefix: Int

  /// Parses `ADDRESS/BITS`; nil for other text, and for a subnet without room for two hosts.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPAddress(String(parts[0])), let prefix = Int(parts[1]),
      prefix >= 1, prefix <= address.bytes.count * 8 - 2
    else { return nil }
    var bytes = address.bytes
    for index in bytes.indices {
      let kept = max(0, min(8, prefix - index * 8))
      bytes[index] &= UInt8(truncatingIfNeeded: 0xFF00 >> kept)
    }
    guard let base = IPAddress(bytes: bytes) else { return nil }
    self.base = base
    self.prefix = prefix
  }

  package var isV6: Bool { base.isV6 }
  package var description: String { "\(base)/\(prefix)" }

  /// The number of hosts, at most 65,534: IPv4 reserves the first and the last address, IPv6 the first.
  package var hostCount: Int {
    let bits = base.bytes.count * 8 - prefix
    return bits >= 16 ? 65534 : (1 << bits) - (isV6 ? 1 : 2)
  }

  /// The address of a host, from 1; nil beyond `hostCount`.
  package func host(_ number: Int) -> IPAddress? {
    guard number >= 1, number <= hostCount else { return nil }
    var bytes = base.bytes
    // A subnet of fewer than 16 host bits has no bit of `number` in its prefix.
    bytes[bytes.count - 1] |= UInt8(number & 0xFF)
    bytes[bytes.count - 2] |= UInt8(number >> 8)
    return IPAddress(bytes: bytes)
  }

  package func contains(_ address: IPAddress) -> Bool {
    guard address.isV6 == isV6 else { return false }
    return (0..<prefix).allSatisfy { bit in
      let mask = UInt8(0x80) >> UInt8(bit % 8)
      return address.bytes[bit / 8] & mask == base.bytes[bit / 8] & mask
    }
  }

  /// Whether the subnets have an address in common.
  package func overlaps(_ other: IPSubnet) -> Bool { contains(other.base) || other.contains(base) }
}
