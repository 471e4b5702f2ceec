import ProviumSystem

/// A raw disk image, whose file system is recognised by its magic number.
enum RootDisk {
  /// Offset, magic number, and the kernel's module.
  private static let known: [(Int, [UInt8], String)] = [
    (0x438, [0x53, 0xef], "ext4"), (0, Array("hsqs".utf8), "squashfs"),
    (0x400, [0xe2, 0xe1, 0xf5, 0xe0], "erofs"), (0x400, [0x10, 0x20, 0xf5, 0xf2], "f2fs"),
    (0x10040, Array("_BHRfS_M".utf8), "btrfs"), (0, Array("XFSB".utf8), "xfs"),
    (0x8001, Array("CD001".utf8), "isofs"),
    (0x36, Array("FAT".utf8), "vfat"), (0x52, Array("FAT32".utf8), "vfat"),
  ]
  private static let headSize = 0x10100

  /// The modules that mounting the disk as the root needs.
  /// - Throws: `ImageError.badDisk` for a disk without a known file system.
  static func drivers(for path: String) throws -> [String] {
    let head = try head(of: path)
    if let module = module(head) { return [module] }
    if head.count > 512, head[510] == 0x55, head[511] == 0xaa {
      throw ImageError.badDisk(
        path: path,
        reason:
          "it holds a partition table; a root disk must be one file system (take the partition out of it)"
      )
    }
    let names = known.map(\.2).uniqued().joined(separator: ", ")
    throw ImageError.badDisk(path: path, reason: "no known file system is on it (\(names))")
  }

  /// The modules that mounting the disk needs, if the disk has a known file system and the kernel has the modules: for a
  /// disk that an initramfs may mount.
  static func likelyDrivers(for path: String, tree: ModuleTree?) throws -> [String] {
    guard let module = module(try head(of: path)), let tree, tree.has(module) else { return [] }
    return [module]
  }

  private static func head(of path: String) throws -> [UInt8] {
    guard Files.exists(path) else { throw ImageError.missingFile(role: "root disk", path: path) }
    let head = try Files.readHead(path, headSize)
    guard !head.starts(with: Array("QFI".utf8)) else {
      throw ImageError.badDisk(
        path: path,
        reason: "it is qcow2; a root disk must be raw (qemu-img convert -O raw)"
      )
    }
    return head
  }

  private static func module(_ head: [UInt8]) -> String? {
    known.first { offset, magic, _ in
      head.count >= offset + magic.count && Array(head[offset..<offset + magic.count]) == magic
    }?.2
  }
}
