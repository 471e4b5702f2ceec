package import ProviumNetwork

/// The network devices of a VM of a Swift test.
extension NativeMachine {
  /// One network device, for other threads.
  package struct Interface: Sendable {
    package let network: VirtualNetwork
    package let port: PortNumber
    package let mac: MACAddress
    package let addresses: [IPAddress]
    package let hostName: String
  }

  package var interfaces: [Interface] {
    guard let machine = try? present() else { return [] }
    return machine.interfaces.map {
      Interface(
        network: $0.network,
        port: $0.port,
        mac: $0.mac,
        addresses: $0.addresses,
        hostName: machine.hostName
      )
    }
  }

  /// Makes the names of machines known to the guest.
  /// - Parameter lines: of `/etc/hosts`.
  package func writeHosts(_ lines: [String]) throws { try present().writeHosts(lines) }

  /// Sets whether the link to a network is up.
  package func setLink(to network: VirtualNetwork, isUp: Bool) throws {
    try present().setLink(of: interface(on: network), isUp: isUp)
  }

  /// Takes the device on a network out of the VM. Idempotent.
  package func unplug(from network: VirtualNetwork) throws { try present().unplug(interface(on: network)) }

  /// Puts the device on a network into the VM again. Idempotent.
  package func plug(into network: VirtualNetwork) throws { try present().plug(interface(on: network)) }

  private func interface(on network: VirtualNetwork) throws -> NetworkInterface {
    guard let found = try present().interfaces.first(where: { $0.network === network }) else {
      throw ProviumError(.invalidUse, "the VM is not on the network \(network.name)")
    }
    return found
  }
}
