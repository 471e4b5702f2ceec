import ProviumNetwork

/// The addresses that the ports of a network have.
struct NetworkAddresses: Sendable {
  /// Of the network, for messages.
  let network: String
  /// Part of the Ethernet addresses.
  let number: Int
  let subnets: [IPSubnet]
  private var ports = 0
  private var taken: Set<IPAddress> = []
  private var takenMACs: Set<MACAddress> = []

  init(network: String, number: Int, subnets: [IPSubnet]) {
    self.network = network
    self.number = number
    self.subnets = subnets
  }

  /// Reserves the addresses of one port.
  /// - Parameters:
  ///   - mac: nil: derived from the numbers of the network and the port.
  ///   - addresses: addresses of the subnets; a subnet of which there is none gives the next free one.
  mutating func reserve(mac: MACAddress?, addresses: [IPAddress]) throws -> (MACAddress, [IPAddress]) {
    ports += 1
    // The first byte marks an address that is administered locally (IEEE 802).
    let own = mac ?? MACAddress(0x0250_0000_0000 | UInt64(number & 0xFFFF) << 16 | UInt64(ports & 0xFFFF))
    guard !own.isMulticast, own != .zero else {
      throw ProviumError(.invalidUse, "\(own) is no address of a single interface")
    }
    guard takenMACs.insert(own).inserted else {
      throw ProviumError(
        .invalidUse,
        "another interface of the network \(network) has the Ethernet address \(own)"
      )
    }
    var result: [IPAddress] = []
    for subnet in subnets {
      let wanted = addresses.filter(subnet.contains)
      for address in wanted where !taken.insert(address).inserted {
        throw ProviumError(
          .invalidUse,
          "another interface of the network \(network) has the address \(address)"
        )
      }
      result += wanted.isEmpty ? [try nextFree(in: subnet)] : wanted
    }
    if let stray = addresses.first(where: { !result.contains($0) }) {
      throw ProviumError(.invalidUse, "the address \(stray) is in no subnet of the network \(network)")
    }
    return (own, result)
  }

  private mutating func nextFree(in subnet: IPSubnet) throws -> IPAddress {
    for host in stride(from: 1, through: subnet.hostCount, by: 1) {
      guard let address = subnet.host(host) else { break }
      if taken.insert(address).inserted { return address }
    }
    throw ProviumError(.invalidUse, "the subnet \(subnet) of the network \(network) has no free address")
  }
}
