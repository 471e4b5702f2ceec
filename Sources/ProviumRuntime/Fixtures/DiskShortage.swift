import ProviumSystem

/// Says that a disk is full, where something else only says what came of it: of a machine whose memory has no room QEMU
/// tells nothing but that SIGBUS killed it.
enum DiskShortage {
  /// A file system on which so little is left is full for a machine's memory.
  private static let leastRoom: UInt64 = 8 << 20

  /// nil: there is room.
  static func hint(in folder: String) -> String? {
    guard let free = Files.freeSpace(folder), free < leastRoom else { return nil }
    return "the disk is full (\(Quantity.text(bytes: free)) are free in \(folder))"
  }
}

extension FileSession {
  /// Whether there is no room for the machines' memory. In a fixture's script its builder says so.
  var shortage: String? { workplace == nil ? DiskShortage.hint(in: engine.run.path) : nil }
}
