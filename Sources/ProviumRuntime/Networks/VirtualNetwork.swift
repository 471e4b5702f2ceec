package import ProviumNetwork
import ProviumVM
import ProviumSystem
import Synchronization

/// The way from a network to the host.
struct NetworkGateway {
  let process: HostGateway
  /// Of the gateway: the guests' default route.
  let address: IPAddress
  let nameServer: IPAddress
}

/// A network: a switch in this process, and the addresses of the VMs and stations on it. Thread-safe.
package final class VirtualNetwork: Sendable {
  package let name: String
  package let subnets: [IPSubnet]
  /// nil: the standard one of 1500.
  package let mtu: Int?
  package let network: NetworkSwitch
  /// Leases the guests' addresses; nil: the agents set them.
  let leases: DHCPAnswerer?

  private struct State {
    /// The ports, in the order of their numbers.
    var ports: [SavedNetwork.Port] = []
    var addresses: NetworkAddresses
    /// The state that each fresh sub-test starts from.
    var freshStart: SavedSwitch?
    var gateway: NetworkGateway?
  }
  private let state: Mutex<State>

  var ports: [SavedNetwork.Port] { state.withLock { $0.ports } }
  /// The way to the host; nil: there is none.
  var gateway: NetworkGateway? { state.withLock { $0.gateway } }

  /// - Parameters:
  ///   - plan: with subnets.
  ///   - number: part of the Ethernet addresses; from 1.
  init(_ plan: NetworkPlan, number: Int) throws {
    name = plan.name
    subnets = plan.subnets
    mtu = plan.mtu
    state = Mutex(
      State(addresses: NetworkAddresses(network: plan.name, number: number, subnets: plan.subnets))
    )
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
    // The address that the gateway answers ARP requests with.
    let mac = MACAddress(address.bytes.reduce(0x5255) { $0 << 8 | UInt64($1) })
    let port = try state.withLock { state in
      _ = try state.addresses.reserve(mac: mac, addresses: [address, nameServer])
      state.ports.append(SavedNetwork.Port(name: "host", mac: mac, addresses: [address], isStation: true))
      state.gateway = NetworkGateway(process: gateway, address: address, nameServer: nameServer)
      return network.addPort(name: "host", address: mac)
    }
    if let socket = gateway.takeFrameSocket() { network.connect(port, socket) }
  }

  /// Ends the network. Idempotent.
  package func end() {
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
    // The numbers of the ports are their positions in `ports`.
    let (port, own) = try state.withLock { state in
      let (mac, addresses) = try state.addresses.reserve(mac: mac, addresses: addresses)
      let own = SavedNetwork.Port(name: owner, mac: mac, addresses: addresses, isStation: false)
      state.ports.append(own)
      return (network.addPort(name: owner, address: mac), own)
    }
    if let leased = own.addresses.first(where: { !$0.isV6 }) { leases?.reserve(leased, for: own.mac) }
    return NetworkInterface(
      network: self,
      port: port,
      mac: own.mac,
      addresses: own.addresses,
      model: model
    )
  }

  /// Adds a station that a script plays.
  package func addStation(name: String, mac: MACAddress?, addresses: [IPAddress]) throws -> (
    Station, PortNumber
  ) {
    try state.withLock { state in
      let (mac, addresses) = try state.addresses.reserve(mac: mac, addresses: addresses)
      let station = Station(mac: mac, addresses: addresses)
      state.ports.append(SavedNetwork.Port(name: name, mac: mac, addresses: addresses, isStation: true))
      return (station, network.addPort(name: name, station: station))
    }
  }

  /// Returns the impairments to what they were at the file's first fresh sub-test, or keeps them if this is the first.
  func startFresh() {
    let earlier = state.withLock { state -> SavedSwitch? in
      defer { state.freshStart = state.freshStart ?? network.impairments }
      return state.freshStart
    }
    if let earlier { _ = network.restore(earlier) }
  }

  /// The prefix of the subnet of an address.
  func prefix(of address: IPAddress) -> Int {
    subnets.first { $0.contains(address) }?.prefix ?? address.bytes.count * 8
  }
}
