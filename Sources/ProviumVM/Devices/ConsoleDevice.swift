/// The first serial port. The kernel writes its console to it.
struct ConsoleDevice: MachineDevice {
  static let kind = "console"
  static let descriptor = "console"

  func openDescriptors(_ descriptors: LaunchDescriptors) throws {
    try descriptors.addSocketPair(Self.descriptor)
  }

  func qemuArguments(_ context: DeviceContext) -> [String] {
    [
      "-chardev", "socket,id=console,fd=\(context.wiring.descriptor(Self.descriptor))",
      "-serial", "chardev:console",
    ]
  }
}
