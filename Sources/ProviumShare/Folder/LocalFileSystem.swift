/// The file systems whose files only this host changes, by their numbers in include/uapi/linux/magic.h and those of ZFS and XFS.
enum LocalFileSystem {
  private static let types: Set<UInt64> = [
    0xEF53,  // ext2, ext3, ext4
    0x5846_5342,  // xfs
    0x9123_683E,  // btrfs
    0x0102_1994,  // tmpfs
    0xF2F5_2010,  // f2fs
    0x794C_7630,  // overlayfs
    0x2FC1_2FC1,  // zfs
    0xCA45_1A4E,  // bcachefs
  ]

  static func contains(_ type: UInt64) -> Bool { types.contains(type) }
}
