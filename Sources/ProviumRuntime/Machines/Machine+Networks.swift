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
      try $0.network.addInterface(owner: self.hostName, mac: $0.mac, addresses: $0.addresses)
    }
  }

  /// The devices of the interfaces, for a VM that boots.
  var networkDevices: [NetworkDevice] {
    interfaces.map { NetworkDevice(address: $0.mac.description, mtu: $0.network.mtu) }
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
      guard index < interfaces.count, let bootAddress = MACAddress(device.address) else {
        try machine.process.setLink(of: index, isUp: false, until: deadline)
        continue
      }
      let interface = interfaces[index]
      interface.guestName = try machine.connection.configureInterface(
        settings(of: interface, find: bootAddress),
        until: deadline
      )
      // Frames of before have addresses that are not the VM's any more.
      if let socket = machine.process.takeFrameSocket(of: index) {
        interface.network.network.connect(interface.port, socket, discardingOld: true)
      }
      try machine.process.setLink(of: index, isUp: interface.isUp, until: deadline)
      for address in interface.addresses {
        let frame = Frame.announcement(of: address, at: interface.mac)
        interface.network.network.send(frame.encoded, from: interface.port)
      }
    }
  }

  private func settings(of interface: NetworkInterface, find: MACAddress) -> InterfaceSettings {
    var addresses = interface.addresses.map {
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
      addresses: addresses
    )
  }

  /// Sets whether the link of an interface is up: the guest sees its carrier go and come.
  package func setLink(of interface: NetworkInterface, isUp: Bool) throws {
    guard let index = interfaces.firstIndex(where: { $0 === interface }) else {
      throw ProviumError(.invalidUse, "the network device is not the machine's any more")
    }
    let machine = try usable()
    try guarded("link \(isUp ? "up" : "down")", on: machine, allowance: .zero) {
      try machine.process.setLink(of: index, isUp: isUp, until: $0)
    }
    interface.isUp = isUp
  }

  // MARK: Names

  /// Writes the names of all machines of a network into a guest, between these lines of `/etc/hosts`.
  private static let begin = "# provium: machines of this test"
  private static let end = "# provium: end"
  private static let hostsPath: ByteString = "/etc/hosts"

  /// Makes the names of other machines known to the guest. A guest whose `/etc` cannot be written stays without.
  func writeHosts(_ lines: [String]) throws {
    let block = ([Self.begin] + lines + [Self.end]).joined(separator: "\n") + "\n"
    // Where another branch waits for the VM, the end of the branches writes the names.
    guard block != writtenHosts, !isInUse, let machine = virtualMachine, state == .booted else { return }
    let previous = lastUse
    defer { lastUse = previous }
    try guarded("hosts", on: machine, allowance: .zero) { deadline in
      let connection = machine.connection
      var text = "127.0.0.1 localhost\n::1 localhost\n"
      do {
        text = String(
          decoding: try connection.readFile(Self.hostsPath, limit: 1 << 20, until: deadline),
          as: UTF8.self
        )
      } catch GuestError.refused {
        _ = try? connection.exec("mkdir -p /etc", CommandOptions(), until: deadline)
      }
      do {
        let kept = Self.withoutBlock(text)
        try connection.writeFile(Self.hostsPath, Array((kept + block).utf8), mode: 0o644, until: deadline)
      } catch GuestError.refused(_, let message) {
        context.services.warnOnce("\(label): machines have no names there: \(message)", file: context.name)
      }
    }
    writtenHosts = block
  }

  private static func withoutBlock(_ text: String) -> String {
    var (kept, isInside): ([Substring], Bool) = ([], false)
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line == begin { isInside = true }
      if !isInside { kept.append(line) }
      if line == end { isInside = false }
    }
    let result = kept.joined(separator: "\n")
    return result.isEmpty || result.hasSuffix("\n") ? result : result + "\n"
  }
}
