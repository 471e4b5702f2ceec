/// The format of a disk's image file.
public enum DiskFormat: String, Sendable, Codable, CaseIterable {
  /// The bytes of the disk.
  case raw
  /// QEMU's format, which can have a backing file.
  case qcow2
}

/// The file of a disk in one launch: the disk's own image, or a copy of it.
package struct DiskFile: Sendable, Hashable, Codable {
  package var path: String
  package var format: DiskFormat
  package var discardsWrites = false
  /// The absolute path of the file that a copied image takes the rest of its contents from; nil: as the image says.
  package var backing: String?

  package init(path: String, format: DiskFormat = .raw, discardsWrites: Bool = false, backing: String? = nil)
  {
    self.path = path
    self.format = format
    self.discardsWrites = discardsWrites
    self.backing = backing
  }
}
