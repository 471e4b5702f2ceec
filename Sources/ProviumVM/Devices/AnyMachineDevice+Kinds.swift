extension AnyMachineDevice {
  /// The types of devices that a saved configuration may hold. Another process can read a device only if its type is in this list.
  static let kinds: [any MachineDevice.Type] = [
    Disk.self, GuestClock.self, NetworkDevice.self, ServedDisk.self, ShareWindowDevice.self,
    SharedFolder.self,
  ]
}
