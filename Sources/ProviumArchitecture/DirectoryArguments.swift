/// Where system calls take a directory's descriptor, and with it `AT_FDCWD`. From their manual pages; of those whose names
/// end in `at` not all do (`shmat`), and not all at the front (`symlinkat`).
package enum DirectoryArguments {
  /// Positions counted from 0; none for most calls.
  package static func positions(_ name: String) -> [Int] { table[name] ?? [] }

  private static let table: [String: [Int]] = {
    var table: [String: [Int]] = [
      "renameat": [0, 2], "renameat2": [0, 2], "linkat": [0, 2], "move_mount": [0, 2],
      "symlinkat": [1], "fanotify_mark": [3],
    ]
    for name in [
      "openat", "openat2", "mkdirat", "mknodat", "fchownat", "futimesat", "newfstatat", "fstatat64",
      "unlinkat",
      "readlinkat", "fchmodat", "fchmodat2", "faccessat", "faccessat2", "utimensat", "execveat", "statx",
      "name_to_handle_at", "open_by_handle_at", "open_tree", "open_tree_attr", "mount_setattr", "fspick",
      "setxattrat", "getxattrat", "listxattrat", "removexattrat", "file_getattr", "file_setattr",
    ] { table[name] = [0] }
    return table
  }()
}
