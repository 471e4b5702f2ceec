/// A device to which the guest's kernel reports a panic, where it has the driver.
struct PanicNotifierDevice: MachineDevice {
  static let kind = "panic-notifier"

  func qemuArguments(_ context: DeviceContext) -> [String] { ["-device", "pvpanic-pci"] }
}
