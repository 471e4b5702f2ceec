package import ProviumNetwork
import ProviumSystem

/// A network of one scope: a switch in this process, and the addresses of the VMs and stations on it. Belongs to the scope's
/// thread.
package final class VirtualNetwork {
  package let name: String
  package let subnets: [IPSubnet]
  /// nil: the standard one of 1500.
  package let mtu: Int?
  package let network: NetworkSwitch
  /// The network's number in its scope, from 1: part of the Ethernet addresses.
  private let number: Int
  /// The ports, in the order of their numbers.
  private(set) var ports: [SavedNetwork.Port] = []
  private var portCount = 0
  private var takenAddresses: Set<IPAddress> = []
  private var takenMACs: Set<MACAddress> = []

  init(name: String, subnets: [IPSubnet], mtu: Int?, number: Int) throws {
    self.name = name
    self.subnets = subnets
    self.mtu = mtu
    self.number = number
    network = try NetworkSwitch(name: name)
  }

  /// Adds a port for a VM, with addresses of its own.
  /// - Parameters:
  ///   - owner: the VM's name, for captures.
  ///   - mac: nil: derived from the numbers of the network and the port.
  ///   - addresses: addresses of the subnets; a subnet of which there is none gives the next free one.
  func addInterface(owner: String, mac: MACAddress?, addresses: [IPAddress]) throws -> NetworkInterface {
    let (mac, addresses) = try reserve(mac: mac, addresses: addresses)
    let port = network.addPort(name: owner, address: mac)
    ports.append(SavedNetwork.Port(name: owner, mac: mac, addresses: addresses, isStation: false))
    return NetworkInterface(network: self, port: port, mac: mac, addresses: addresses)
  }

  /// Adds a station that a script plays.
  package func addStation(name: String, mac: MACAddress?, addresses: [IPAddress]) throws -> (
    Station, PortNumber
  ) {
    let (mac, addresses) = try reserve(mac: mac, addresses: addresses)
    let station = Station(mac: mac, addresses: addresses)
    ports.append(SavedNetwork.Port(name: name, mac: mac, addresses: addresses, isStation: true))
    return (station, network.addPort(name: name, station: station))
  }

  private func reserve(mac: MACAddress?, addresses: [IPAddress]) throws -> (MACAddress, [IPAddress]) {
    portCount += 1
    // The first byte marks an address that is administered locally (IEEE 802).
    let own = mac ?? MACAddress(0x0250_0000_0000 | UInt64(number & 0xFFFF) << 16 | UInt64(portCount & 0xFFFF))
    guard !own.isMulticast, own != .zero else {
      throw ProviumError(.invalidUse, "\(own) is no address of a single interface")
    }
    guard takenMACs.insert(own).inserted else {
      throw ProviumError(
        .invalidUse,
        "another interface of the network \(name) has the Ethernet address \(own)"
      )
    }
    var result: [IPAddress] = []
    for subnet in subnets {
      let wanted = addresses.filter(subnet.contains)
      for address in wanted where !takenAddresses.insert(address).inserted {
        throw ProviumError(.invalidUse, "another interface of the network \(name) has the address \(address)")
      }
      result += wanted.isEmpty ? [try nextFree(in: subnet)] : wanted
    }
    if let stray = addresses.first(where: { !result.contains($0) }) {
      throw ProviumError(.invalidUse, "the address \(stray) is in no subnet of the network \(name)")
    }
    return (own, result)
  }

  private func nextFree(in subnet: IPSubnet) throws -> IPAddress {
    for host in stride(from: 1, through: subnet.hostCount, by: 1) {
      guard let address = subnet.host(host) else { break }
      if takenAddresses.insert(address).inserted { return address }
    }
    throw ProviumError(.invalidUse, "the subnet \(subnet) of the network \(name) has no free address")
  }

  /// The prefix of the subnet of an address.
  func prefix(of address: IPAddress) -> Int {
    subnets.first { $0.contains(address) }?.prefix ?? address.bytes.count * 8
  }
}

/// The networks of one scope, in the order of their creation. Belongs to the scope's thread.
package final class NetworkSet {
  package private(set) var all: [VirtualNetwork] = []
  private var created = 0

  init() {}

  package var count: Int { all.count }

  /// Creates a network.
  /// - Parameter subnets: empty: `10.77.N.0/24`, where N is the network's number.
  /// - Throws: `ProviumError` for a name that is used, or a subnet that overlaps.
  package func add(name: String, subnets: [IPSubnet], mtu: Int?) throws -> VirtualNetwork {
    guard !all.contains(where: { $0.name == name }) else {
      throw ProviumError(.invalidUse, "there is a network '\(name)' already")
    }
    created += 1
    var subnets = subnets
    if subnets.isEmpty, let own = IPSubnet("10.77.\(created % 256).0/24") { subnets = [own] }
    for (index, subnet) in subnets.enumerated() {
      if let other = subnets.dropFirst(index + 1).first(where: subnet.overlaps) {
        throw ProviumError(.invalidUse, "the subnets \(subnet) and \(other) overlap")
      }
      for network in all {
        if let other = network.subnets.first(where: subnet.overlaps) {
          throw ProviumError(
            .invalidUse,
            "the subnet \(subnet) overlaps \(other) of the network '\(network.name)'"
          )
        }
      }
    }
    let network = try VirtualNetwork(name: name, subnets: subnets, mtu: mtu, number: created)
    all.append(network)
    return network
  }

  /// Creates a network of a lab that was saved, with all its ports. It may have the name and the subnets of another network: no
  /// VM is on both.
  func add(_ saved: SavedNetwork) throws -> (VirtualNetwork, [NetworkInterface]) {
    created += 1
    let network = try VirtualNetwork(
      name: saved.name,
      subnets: saved.subnets,
      mtu: saved.mtu,
      number: created
    )
    all.append(network)
    let interfaces = try saved.ports.map {
      try network.addInterface(owner: $0.name, mac: $0.mac, addresses: $0.addresses)
    }
    return (network, interfaces)
  }

  /// Closes the networks that were created after the first `count`.
  package func end(after count: Int) {
    for network in all.dropFirst(count) { network.network.close() }
    all.removeLast(max(0, all.count - count))
  }
}
