/// The ports behind Ethernet addresses, learned from the sources of frames. Of fixed size: an address whose place is taken by
/// another one is forgotten, and frames to it go to all ports.
struct MACTable {
  private static let bits: UInt64 = 12
  private var addresses = [UInt64](repeating: .max, count: 1 << 12)
  private var ports = [Int32](repeating: 0, count: 1 << 12)

  private static func slot(_ address: MACAddress) -> Int {
    // Fibonacci hashing: the factor is 2^64 divided by the golden ratio.
    Int((address.value &* 0x9E37_79B9_7F4A_7C15) >> (64 - bits))
  }

  mutating func learn(_ address: MACAddress, at port: PortNumber) {
    let slot = Self.slot(address)
    addresses[slot] = address.value
    ports[slot] = Int32(truncatingIfNeeded: port.rawValue)
  }

  /// nil for an address that was not learned.
  func port(of address: MACAddress) -> PortNumber? {
    let slot = Self.slot(address)
    return addresses[slot] == address.value ? PortNumber(Int(ports[slot])) : nil
  }
}
