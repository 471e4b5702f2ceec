/// The virtio-serial ports of the agent: one for requests, one for the control connection, one for shared folders, which can be
/// added to a running VM.
struct AgentPortsDevice: MachineDevice {
  static let kind = "agent-ports"
  static let main = "main"
  static let control = "control"
  static let share = "share"

  var kernelModules: [String] { ["virtio_console"] }

  func openDescriptors(_ descriptors: LaunchDescriptors) throws {
    try descriptors.addSocketPair(Self.main)
    try descriptors.addSocketPair(Self.control)
    try descriptors.addSocketPair(Self.share)
  }

  func qemuArguments(_ context: DeviceContext) -> [String] {
    ["-device", "virtio-serial-pci,id=ports,max_ports=4"]
      + port(1, Self.main, AgentPort.main.rawValue, context)
      + port(2, Self.control, AgentPort.control.rawValue, context)
      + port(3, Self.share, "port-share", context)
  }

  private func port(_ number: Int, _ name: String, _ id: String, _ context: DeviceContext) -> [String] {
    [
      "-chardev", "socket,id=\(name),fd=\(context.wiring.descriptor(name))",
      "-device",
      "virtserialport,bus=ports.0,nr=\(number),id=\(id),chardev=\(name),name=org.provium.\(name)",
    ]
  }
}
