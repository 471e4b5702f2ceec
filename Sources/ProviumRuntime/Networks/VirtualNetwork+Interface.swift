package import ProviumNetwork
package import ProviumVM

/// The connection of one VM handle with a network. It stays the same when the handle's VM is replaced.
package final class NetworkInterface {
  package let network: VirtualNetwork
  package let port: PortNumber
  package let mac: MACAddress
  /// One or more of each subnet of the network.
  package let addresses: [IPAddress]
  /// The interface's name in the guest: `eth0`; empty before the VM has it.
  package internal(set) var guestName = ""
  /// Whether the link is up.
  package internal(set) var isUp = true
  /// Whether the VM has the device.
  package internal(set) var isPlugged = true
  /// The card of a VM that boots; a resumed VM has the one that was saved.
  let model: NetworkDevice.Model

  init(
    network: VirtualNetwork,
    port: PortNumber,
    mac: MACAddress,
    addresses: [IPAddress],
    model: NetworkDevice.Model = .virtio
  ) {
    self.model = model
    self.network = network
    self.port = port
    self.mac = mac
    self.addresses = addresses
  }
}

/// A network device that a VM is to have.
package struct InterfaceRequest {
  package let network: VirtualNetwork
  package let mac: MACAddress?
  package let addresses: [IPAddress]
  package let model: NetworkDevice.Model

  /// - Parameters:
  ///   - mac: nil: one that no other interface of the network has.
  ///   - addresses: of the network's subnets; a subnet of which there is none gives the next free one.
  ///   - model: of a VM that boots.
  package init(
    network: VirtualNetwork,
    mac: MACAddress? = nil,
    addresses: [IPAddress] = [],
    model: NetworkDevice.Model = .virtio
  ) {
    self.model = model
    self.network = network
    self.mac = mac
    self.addresses = addresses
  }
}
