/// A network device of a VM. Its frames go through a packet socket to this process: see `QEMUProcess.takeFrameSocket`.
package struct NetworkDevice: MachineDevice {
  package static let kind = "network"

  /// The Ethernet address at the boot: `02:00:00:00:00:01`. It stays the permanent address of the device in the guest's
  /// memory, so an interface is found by it after each resume.
  package var address: String
  /// The largest MTU that the guest may set; nil: the standard one of 1500.
  package var mtu: Int?

  package init(address: String, mtu: Int? = nil) {
    self.address = address
    self.mtu = mtu
  }

  /// QEMU's name of the device, for `set_link`; also that of its descriptor.
  package static func name(_ number: Int) -> String { "nic\(number)" }

  package var kernelModules: [String] { ["virtio_net"] }

  /// The number is not known here: devices of one kind open their descriptors in the order of their numbers.
  package func openDescriptors(_ descriptors: LaunchDescriptors) throws {
    try descriptors.addPacketPair(Self.name(descriptors.count(of: "nic")))
  }

  package func qemuArguments(_ context: DeviceContext) -> [String] {
    arguments(context, address: ",mac=\(address)")
  }

  /// QEMU ignores the address when it resumes a VM: the guest keeps the saved one until the agent changes it.
  package func snapshotIdentity(_ context: DeviceContext) -> [String] {
    arguments(context.forComparison, address: "")
  }

  private func arguments(_ context: DeviceContext, address: String) -> [String] {
    let name = Self.name(context.number)
    let limit = mtu.map { ",host_mtu=\($0)" } ?? ""
    return [
      "-netdev", "dgram,id=net-\(name),local.type=fd,local.str=\(context.wiring.descriptor(name))",
      // Without a boot ROM, which would become part of each snapshot.
      "-device", "virtio-net-pci,netdev=net-\(name),id=\(name)\(address)\(limit),romfile=",
    ]
  }
}
