package import ProviumNetwork
import ProviumVM
import ProviumSystem

/// The way from a network to the host.
struct NetworkGateway {
  let process: HostGateway
  /// Of the gateway: the guests' default route.
  let address: IPAddress
  let nameServer: IPAddress
}

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
  /// The state that each fresh sub-test starts from.
  private var freshStart: SavedSwitch?
  /// Leases the guests' addresses; nil: the agents set them.
  let leases: DHCPAnswerer?
  /// The way to the host; nil: there is none.
  private(set) var gateway: NetworkGateway?
  private var portCount = 0
  private var takenAddresses: Set<IPAddress> = []
  private var takenMACs: Set<MACAddress> = []

  /// - Parameters:
  ///   - plan: with subnets.
  ///   - number: of the network in its scope.
  init(_ plan: NetworkPlan, number: Int) throws {
    name = plan.name
    subnets = plan.subnets
    mtu = plan.mtu
    self.number = number
    let leased = plan.hasDHCP ? plan.subnets.first { !$0.isV6 } : nil
    // Clients that the network does not know get the addresses of the upper half.
    leases = leased.map { DHCPAnswerer(subnet: $0, first: $0.hostCount / 2 + 1) }
    network = try NetworkSwitch(name: plan.name)
    if let leases, let server = leased.flatMap({ $0.host($0.hostCount) }) {
      let (station, _) = try addStation(name: "dhcp", mac: nil, addresses: [server])
      station.add(AddressAnswerer())
      station.add(PingAnswerer())
      station.add(leases)
    }
  }

  /// Connects the network with the host.
  /// - Throws: `ProviumError` for a network with other subnets than one of IPv4; `HostGateway.Failure`.
  func connectHost(_ qemu: QEMUBinary, errorFile: String) throws {
    guard let subnet = subnets.first, subnets.count == 1, !subnet.isV6,
      let address = subnet.host(subnet.hostCount), let nameServer = subnet.host(subnet.hostCount - 1)
    else {
      throw ProviumError(.invalidUse, "a network with host = true has one subnet, of IPv4")
    }
    let gateway = try HostGateway(
      qemu,
      subnet: "\(subnet)",
      address: "\(address)",
      nameServer: "\(nameServer)",
      errorFile: errorFile
    )
    takenAddresses.formUnion([address, nameServer])
    // The address that the gateway answers ARP requests with.
    let mac = MACAddress(address.bytes.reduce(0x5255) { $0 << 8 | UInt64($1) })
    takenMACs.insert(mac)
    portCount += 1
    let port = network.addPort(name: "host", address: mac)
    ports.append(SavedNetwork.Port(name: "host", mac: mac, addresses: [address], isStation: true))
    if let socket = gateway.takeFrameSocket() { network.connect(port, socket) }
    self.gateway = NetworkGateway(process: gateway, address: address, nameServer: nameServer)
  }

  /// Ends the network. Idempotent.
  func end() {
    network.close()
    gateway?.process.stop()
  }

  /// Adds a port for a VM, with addresses of its own.
  /// - Parameters:
  ///   - owner: the VM's name, for captures.
  ///   - mac: nil: derived from the numbers of the network and the port.
  ///   - addresses: addresses of the subnets; a subnet of which there is none gives the next free one.
  func addInterface(
    owner: String,
    mac: MACAddress?,
    addresses: [IPAddress],
    model: NetworkDevice.Model = .virtio
  ) throws -> NetworkInterface {
    if let mtu, mtu > model.largestMTU {
      throw ProviumError(
        .invalidUse,
        "a \(model.rawValue) device carries an MTU of \(model.largestMTU) at most, and the network \(name) has \(mtu)"
      )
    }
    let (mac, addresses) = try reserve(mac: mac, addresses: addresses)
    let port = network.addPort(name: owner, address: mac)
    ports.append(SavedNetwork.Port(name: owner, mac: mac, addresses: addresses, isStation: false))
    if let leased = addresses.first(where: { !$0.isV6 }) { leases?.reserve(leased, for: mac) }
    return NetworkInterface(network: self, port: port, mac: mac, addresses: addresses, model: model)
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

  /// Returns the impairments to what they were at the file's first fresh sub-test, or keeps them if this is the first.
  func startFresh() {
    guard let freshStart else { return freshStart = network.impairments }
    _ = network.restore(freshStart)
  }

  /// The prefix of the subnet of an address.
  func prefix(of address: IPAddress) -> Int {
    subnets.first { $0.contains(address) }?.prefix ?? address.bytes.count * 8
  }
}
