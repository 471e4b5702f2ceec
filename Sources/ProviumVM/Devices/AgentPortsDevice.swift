/// The virtio-serial ports of the agent: one for requests, one for the control connection.
struct AgentPortsDevice: MachineDevice {
  static let kind = "agent-ports"
  static let main = "main"
  static let control = "control"

  var kernelModules: [String] { ["virtio_console"] }

  func openDescriptors(_ descriptors: LaunchDescriptors) throws {
    try descriptors.addSocketPair(Self.main)
    try descriptors.addSocketPair(Self.control)
  }

  func qemuArguments(_ context: DeviceContext) -> [String] {
    ["-device", "virtio-serial-pci,id=ports,max_ports=3"]
      + port(1, Self.main, .main, context) + port(2, Self.control, .control, context)
  }

  private func port(_ number: Int, _ name: String, _ port: AgentPort, _ context: DeviceContext) -> [String] {
    [
      "-chardev", "socket,id=\(name),fd=\(context.wiring.descriptor(name))",
      "-device",
      "virtserialport,bus=ports.0,nr=\(number),id=\(port.rawValue),chardev=\(name),name=org.provium.\(name)",
    ]
  }
}
