import ProviumSystem

/// Names a full disk as the cause where another error shows only its effect: QEMU whose memory file has no room reports
/// nothing but that SIGBUS killed it.
enum DiskShortage {
  /// With less free than this, a file system is full for a VM's memory.
  private static let leastRoom: UInt64 = 8 << 20

  /// Returns the reason to append to an error; nil if there is room.
  static func hint(in folder: String) -> String? {
    guard let free = Files.freeSpace(folder), free < leastRoom else { return nil }
    return "the disk is full (\(Quantity.text(bytes: free)) are free in \(folder))"
  }
}
