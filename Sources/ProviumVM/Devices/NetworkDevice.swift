import ProviumJSON

/// A network device of a VM. Its frames go through a packet socket to this process: see `QEMUProcess.takeFrameSocket`. Each
/// device is behind a PCIe port of its own, from which it can be unplugged.
package struct NetworkDevice: MachineDevice {
  package static let kind = "network"

  /// The kind of card.
  package enum Model: String, Sendable, Hashable, Codable, CaseIterable {
    case virtio = "virtio-net"
    case e1000, e1000e, rtl8139

    /// QEMU's name of the device.
    var driver: String { self == .virtio ? "virtio-net-pci" : rawValue }

    /// The module of the guest's kernel. QEMU's RTL8139 is a C+ one, which 8139too refuses.
    var kernelModule: String {
      switch self {
      case .virtio: "virtio_net"
      case .rtl8139: "8139cp"
      case .e1000, .e1000e: rawValue
      }
    }

    /// The largest MTU that both QEMU's device and its Linux driver carry.
    package var largestMTU: Int {
      switch self {
      case .virtio: 65500
      case .e1000: 16110
      case .e1000e: 9216
      case .rtl8139: 1500
      }
    }
  }

  package var model: Model
  /// The Ethernet address at the boot: `02:00:00:00:00:01`. It stays the permanent address of the device in the guest's
  /// memory, so an interface is found by it after each resume.
  package var address: String
  /// The largest MTU that the guest may set; nil: the standard one of 1500.
  package var mtu: Int?
  /// False: the guest has the port alone.
  package var isPlugged = true

  package init(address: String, model: Model = .virtio, mtu: Int? = nil) {
    self.address = address
    self.model = model
    self.mtu = mtu
  }

  /// QEMU's name of the device, for `set_link`; also that of its descriptor.
  package static func name(_ number: Int) -> String { "nic\(number)" }
  /// QEMU's name of the connection with this process.
  static func connection(_ number: Int) -> String { "net-\(name(number))" }
  private static func port(_ number: Int) -> String { "port-\(name(number))" }

  package var kernelModules: [String] { [model.kernelModule] }

  /// The number is not known here: devices of one kind open their descriptors in the order of their numbers.
  package func openDescriptors(_ descriptors: LaunchDescriptors) throws {
    try descriptors.addPacketPair(Self.name(descriptors.count(of: "nic")))
  }

  package func qemuArguments(_ context: DeviceContext) -> [String] {
    arguments(context, address: address)
  }

  /// QEMU ignores the address when it resumes a VM: the guest keeps the saved one until the agent changes it.
  package func snapshotIdentity(_ context: DeviceContext) -> [String] {
    arguments(context.forComparison, address: nil)
  }

  private func arguments(_ context: DeviceContext, address: String?) -> [String] {
    let number = context.number
    let port = [
      // The number of the slot is part of the port's identity in the guest; 0 is the one of QEMU's own bridges.
      "-device", "pcie-root-port,id=\(Self.port(number)),chassis=\(number + 1),slot=\(number + 1)",
    ]
    guard isPlugged else { return port }
    let name = Self.name(number)
    let properties = properties(number, address: address).map { "\($0.0)=\($0.1)" }
    return port + [
      "-netdev",
      "dgram,id=\(Self.connection(number)),local.type=fd,local.str=\(context.wiring.descriptor(name))",
      "-device", ([model.driver] + properties).joined(separator: ","),
    ]
  }

  /// The properties of QEMU's device besides its type.
  private func properties(_ number: Int, address: String?) -> [(String, String)] {
    var properties = [
      ("bus", Self.port(number)), ("netdev", Self.connection(number)), ("id", Self.name(number)),
    ]
    if let address { properties.append(("mac", address)) }
    if let mtu, model == .virtio { properties.append(("host_mtu", "\(mtu)")) }
    // Without a boot ROM, which would become part of each snapshot.
    return properties + [("romfile", "")]
  }

  /// The arguments of `device_add`.
  func hotPlugArguments(_ number: Int) -> [JSONValue.Member] {
    [.init("driver", .string(model.driver))]
      + properties(number, address: address).map { name, value in
        .init(name, name == "host_mtu" ? .integer(Int64(value) ?? 0) : .string(value))
      }
  }
}
