import Glibc
package import ProviumSystem

extension AgentConnection {
  /// Copies a folder of the host, with everything in it, to a directory of the guest, which is created with its parents if it is not there.
  ///
  /// Regular files, directories and symbolic links keep their contents, permissions and times of modification; a link keeps its
  /// text and is not followed. Owners are the agent's user. Hard links become separate files. Files of other types are refused.
  /// - Parameter each: called with each entry before it is copied.
  package func push(
    _ folder: String,
    to path: ByteString,
    until deadline: Deadline,
    each: (HostEntry) throws -> Void = { _ in }
  ) throws {
    let entries = try HostEntry.all(in: folder)
    try makeDirectories(path, until: deadline)
    for entry in entries {
      try each(entry)
      let target = entry.name.isEmpty ? path : path.appending(entry.name)
      switch entry.type {
      case .directory:
        // Entries of it must be creatable: its own permissions and time are set when it is complete.
        try makeDirectories(target, until: deadline)
      case .symlink(let text):
        if try exists(target, until: deadline) { try remove(target, until: deadline) }
        try makeSymbolicLink(text, at: target, until: deadline)
        try setModificationTime(of: target, to: entry.modifiedNanoseconds, until: deadline)
      case .file:
        let file = try Descriptor.open(entry.path, O_RDONLY | O_NOFOLLOW)
        try writeFile(target, from: file.raw, mode: entry.mode, until: deadline)
        try setModificationTime(of: target, to: entry.modifiedNanoseconds, until: deadline)
      }
    }
    for entry in entries.reversed() {
      guard case .directory = entry.type else { continue }
      let target = entry.name.isEmpty ? path : path.appending(entry.name)
      try changeMode(of: target, to: entry.mode, until: deadline)
      try setModificationTime(of: target, to: entry.modifiedNanoseconds, until: deadline)
    }
  }
}

/// A file of a folder of the host.
package struct HostEntry {
  package enum FileType {
    case file, directory
    /// With the text of the link.
    case symlink(ByteString)
  }

  /// Relative to the folder; empty for the folder itself.
  package let name: ByteString
  package let path: String
  package let type: FileType
  /// Permissions.
  package let mode: UInt32
  package let modifiedNanoseconds: Int64

  /// Returns the folder and everything in it, each directory before its entries, in the order of their names.
  /// - Throws: `SystemError`; `InvalidArgument` for a file that is no regular file, directory or symbolic link.
  package static func all(in folder: String) throws -> [HostEntry] {
    var entries = [try HostEntry(folder, name: "", following: true)]
    guard case .directory = entries[0].type else {
      throw InvalidArgument(.path, "\(folder) is no folder of the host")
    }
    var open = [entries[0]]
    while let next = open.popLast() {
      for name in try Files.list(next.path).sorted() {
        let relative = ByteString(PathText.bytes(of: name))
        let entry = try HostEntry(
          "\(next.path)/\(name)",
          name: next.name.isEmpty ? relative : next.name.appending(relative),
          following: false
        )
        entries.append(entry)
        if case .directory = entry.type { open.append(entry) }
      }
    }
    return entries.sorted { $0.name < $1.name }
  }

  private init(_ path: String, name: ByteString, following: Bool) throws {
    var status = Glibc.stat()
    guard fstatat(AT_FDCWD, path.cPath, &status, following ? 0 : AT_SYMLINK_NOFOLLOW) == 0 else {
      throw SystemError("read the status of", path)
    }
    self.path = path
    self.name = name
    mode = status.st_mode & 0o7777
    modifiedNanoseconds = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    switch status.st_mode & S_IFMT {
    case S_IFREG: type = .file
    case S_IFDIR: type = .directory
    case S_IFLNK: type = .symlink(try Self.readLink(path))
    default:
      throw InvalidArgument(
        .path,
        "\(path) is no regular file, folder or symbolic link; leave it out of the folder"
      )
    }
  }

  private static func readLink(_ path: String) throws -> ByteString {
    var text = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path.cPath, &text, text.count)
    guard count >= 0 else { throw SystemError("read the link", path) }
    return ByteString(text[..<count].map { UInt8(bitPattern: $0) })
  }
}
