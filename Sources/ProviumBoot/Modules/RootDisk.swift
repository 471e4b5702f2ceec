import ProviumSystem

/// A disk image with a root file system on it, told by its magic numbers.
enum RootDisk {
  /// Offset, magic, the kernel's module.
  private static let known: [(Int, [UInt8], String)] = [
    (0x438, [0x53, 0xef], "ext4"), (0, Array("hsqs".utf8), "squashfs"),
    (0x400, [0xe2, 0xe1, 0xf5, 0xe0], "erofs"),
    (0x10040, Array("_BHRfS_M".utf8), "btrfs"), (0, Array("XFSB".utf8), "xfs"),
    (0x8001, Array("CD001".utf8), "isofs"),
    (0x36, Array("FAT".utf8), "vfat"), (0x52, Array("FAT32".utf8), "vfat"),
  ]

  /// The modules that mounting it needs.
  static func drivers(for path: String) throws -> [String] {
    guard Files.exists(path) else { throw ImageError.missingFile(role: "root disk", path: path) }
    let head = try Files.readHead(path, 0x10100)
    for (offset, magic, module) in known where head.count >= offset + magic.count {
      if Array(head[offset..<offset + magic.count]) == magic { return [module] }
    }
    if head.starts(with: Array("QFI".utf8)) {
      throw ImageError.badDisk(
        path: path,
        reason: "it is qcow2; a root disk must be raw (qemu-img convert -O raw)"
      )
    }
    if head.count > 512, head[510] == 0x55, head[511] == 0xaa {
      throw ImageError.badDisk(
        path: path,
        reason:
          "it holds a partition table; a root disk must be one file system (take the partition out of it)"
      )
    }
    throw ImageError.badDisk(
      path: path,
      reason: "no known file system is on it (ext4, squashfs, erofs, btrfs, xfs, iso9660, vfat)"
    )
  }
}
