import Glibc
import ProviumAgentClient
import ProviumNetwork
import ProviumSystem
import ProviumVM

/// Network devices of VMs.
extension Machine {
  /// Creates the interfaces for the next VM of the handle.
  /// - Parameter hostName: nil: `vmN`, where N is the handle's number in its scope.
  func plan(_ requests: [InterfaceRequest], hostName: String?) throws {
    if let hostName { self.hostName = hostName }
    guard !requests.isEmpty else { return }
    guard requests.count <= 8 else {
      throw ProviumError(.invalidUse, "a machine can have 8 network devices, not \(requests.count)")
    }
    interfaces = try requests.map {
      try $0.network.addInterface(
        owner: self.hostName,
        mac: $0.mac,
        addresses: $0.addresses,
        model: $0.model
      )
    }
  }

  /// The devices of the interfaces, for a VM that boots.
  var networkDevices: [NetworkDevice] {
    interfaces.map {
      NetworkDevice(address: $0.mac.description, model: $0.model, mtu: $0.network.mtu)
    }
  }

  /// Connects the devices of a VM that boots with their networks.
  func connectFrames(of process: QEMUProcess) {
    for (index, interface) in interfaces.enumerated() {
      guard let socket = process.takeFrameSocket(of: index) else { continue }
      interface.network.network.connect(interface.port, socket)
    }
  }

  /// Gives the interfaces of a VM their addresses and connects them, before anything else uses the VM. A device without a
  /// network has no link.
  func joinNetworks(_ machine: VirtualMachine, until deadline: Deadline) throws {
    for (index, device) in machine.configuration.networkDevices.enumerated() {
      guard index < interfaces.count else {
        if device.isPlugged { try machine.process.setLink(of: index, isUp: false, until: deadline) }
        continue
      }
      interfaces[index].isPlugged = device.isPlugged
      if device.isPlugged { try join(interfaces[index], index, of: machine, until: deadline) }
    }
  }

  /// Gives a device its addresses and connects it.
  func join(
    _ interface: NetworkInterface,
    _ index: Int,
    of machine: VirtualMachine,
    until deadline: Deadline
  ) throws {
    guard let address = MACAddress(machine.configuration.networkDevices[index].address) else { return }
    interface.guestName = try machine.connection.configureInterface(
      settings(of: interface, find: address),
      until: deadline
    )
    if let gateway = interface.network.gateway {
      let line = "nameserver \(gateway.nameServer)\n"
      // A guest whose /etc cannot be written stays without.
      try? machine.connection.writeFile("/etc/resolv.conf", Array(line.utf8), mode: 0o644, until: deadline)
    }
    // Frames of before have addresses that are not the VM's any more.
    if let socket = machine.process.takeFrameSocket(of: index) {
      interface.network.network.connect(interface.port, socket, discardingOld: true)
    }
    try machine.process.setLink(of: index, isUp: interface.isUp, until: deadline)
    let model = machine.configuration.networkDevices[index].model
    if interface.isUp, model != .virtio {
      try operations.unrecorded { try awaitCarrier(of: interface, model, machine, until: deadline) }
    }
    for address in interface.addresses where address.isV6 || interface.network.leases == nil {
      let frame = Frame.announcement(of: address, at: interface.mac)
      interface.network.network.send(frame.encoded, from: interface.port)
    }
  }

  /// Blocks until the guest's driver has a link: those of real hardware negotiate it for seconds, and drop frames meanwhile.
  private func awaitCarrier(
    of interface: NetworkInterface,
    _ model: NetworkDevice.Model,
    _ machine: VirtualMachine,
    until deadline: Deadline
  ) throws {
    let path = ByteString("/sys/class/net/\(interface.guestName)/carrier")
    let limit = Deadline.earliest(.after(Self.linkLimit * timeoutMultiplier), deadline)
    while true {
      do {
        if try machine.connection.readFile(path, limit: 16, until: deadline).first == UInt8(ascii: "1") {
          return
        }
      } catch GuestError.refused(.ENOENT, _) {
        return  // A guest without sysfs does not say.
      }
      guard !limit.isExpired else {
        throw ProviumError(
          .refused,
          "\(label): the guest's driver of the network device \(interface.guestName) (\(model.rawValue)) found no link in time"
        )
      }
      // The agent reports no change of a link, so the file is read again.
      usleep(5000)
    }
  }

  private static let linkLimit = Duration.seconds(15)

  private func settings(of interface: NetworkInterface, find: MACAddress) -> InterfaceSettings {
    let network = interface.network
    // A guest asks the network for the addresses that it leases.
    let own = interface.addresses.filter { $0.isV6 || network.leases == nil }
    var addresses = own.map {
      InterfaceSettings.Address(bytes: $0.bytes, prefix: interface.network.prefix(of: $0))
    }
    // The kernel would give it this address itself, and check for a second or two that no neighbour has it.
    addresses.append(
      InterfaceSettings.Address(
        bytes: IPAddress.linkLocal(interface.mac).bytes,
        prefix: 64,
        isOptional: true
      )
    )
    return InterfaceSettings(
      find: find.bytes,
      address: interface.mac.bytes,
      mtu: interface.network.mtu,
      hostName: hostName,
      addresses: addresses,
      routes: network.gateway.map {
        [InterfaceSettings.Route(destination: [0, 0, 0, 0], prefix: 0, gateway: $0.address.bytes)]
      } ?? []
    )
  }
}
