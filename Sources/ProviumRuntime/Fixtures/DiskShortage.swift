import ProviumSystem

/// Explains a failure by a full disk. When a VM's memory file has no room, QEMU reports nothing: SIGBUS kills it.
enum DiskShortage {
  /// A file system with fewer free bytes counts as full.
  private static let leastRoom: UInt64 = 8 << 20

  /// Returns a sentence if the disk of `folder` is full; nil if there is room.
  static func hint(in folder: String) -> String? {
    guard let free = Files.freeSpace(folder), free < leastRoom else { return nil }
    return "the disk is full (\(Quantity.text(bytes: free)) are free in \(folder))"
  }
}

extension FileSession {
  /// A sentence if there is no room for the VMs' memory. A fixture's builder reports this itself.
  var shortage: String? { workplace == nil ? DiskShortage.hint(in: engine.run.path) : nil }
}
