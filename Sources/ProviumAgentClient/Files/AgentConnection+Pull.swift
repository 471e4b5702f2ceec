import Glibc
package import ProviumSystem

extension AgentConnection {
  /// Copies a directory of the guest, with everything in it, into a folder of the host, which is created if it is not there.
  ///
  /// Regular files, directories and symbolic links keep their contents, permissions (without set-user-ID, set-group-ID and sticky
  /// bits) and times of modification. Other files are left out. The guest is hostile: nothing outside of `folder` is created,
  /// changed or followed, whatever names, types and links the guest sends; a link arrives as a link, with the guest's text.
  /// - Returns: the paths of the files that were left out, because they are devices, sockets or FIFOs.
  package func pull(
    _ path: ByteString,
    into folder: String,
    limits: PullLimits = PullLimits(),
    until deadline: Deadline
  ) throws -> [ByteString] {
    guard try stat(path.appending("."), until: deadline).type == .directory else {
      throw InvalidArgument(.path, "\(path) is no directory of the guest")
    }
    try Files.createDirectories(folder)
    var pull = FolderPull(connection: self, limits: limits, deadline: deadline)
    try pull.copy(path, into: try Descriptor.open(folder, O_RDONLY | O_DIRECTORY), depth: 0)
    return pull.skipped
  }
}

/// The most that one pull takes from a guest.
package struct PullLimits: Sendable {
  package var bytes = 16 << 30
  package var entries = 1 << 20
  /// Directories within each other.
  package var depth = 128

  package init() {}
}

private struct FolderPull {
  let connection: AgentConnection
  let limits: PullLimits
  let deadline: Deadline
  var bytes = 0
  var entries = 0
  var skipped: [ByteString] = []

  /// Copies the entries of a directory. Every host file is created below `folder` by its single name, without following links.
  mutating func copy(_ path: ByteString, into folder: borrowing Descriptor, depth: Int) throws {
    guard depth < limits.depth else {
      throw GuestError.tooLarge("pull(\"\(path)\"): directories are nested more than \(limits.depth) deep")
    }
    for entry in try connection.list(path, until: deadline) {
      entries += 1
      guard entries <= limits.entries else {
        throw GuestError.tooLarge("pull(\"\(path)\") gives more than \(limits.entries) files")
      }
      let name = entry.name
      guard !name.isEmpty, name != ".", name != "..", !name.bytes.contains(UInt8(ascii: "/")),
        !name.bytes.contains(0)
      else {
        throw GuestError.tooLarge("pull(\"\(path)\"): the guest sent \"\(name)\", which is no name of a file")
      }
      try copy(name, at: path.appending(name), into: folder, depth: depth)
    }
  }

  private mutating func copy(
    _ name: ByteString,
    at path: ByteString,
    into folder: borrowing Descriptor,
    depth: Int
  ) throws {
    let status = try connection.stat(path, until: deadline)
    let hostName = name.bytes.map { CChar(bitPattern: $0) } + [0]
    switch status.type {
    case .directory:
      try makeDirectory(hostName, in: folder)
      let opened = openat(folder.raw, hostName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard opened >= 0 else { throw SystemError("open the folder", "\(name)") }
      let inner = Descriptor(owning: opened)
      try copy(path, into: inner, depth: depth + 1)
      try finish(inner.raw, status, name)
    case .file:
      try remove(hostName, in: folder)
      let opened = openat(folder.raw, hostName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
      guard opened >= 0 else { throw SystemError("create", "\(name)") }
      let file = Descriptor(owning: opened)
      try copyContents(path, to: file.raw)
      try finish(file.raw, status, name)
    case .symlink:
      let text = try connection.readSymbolicLink(path, until: deadline)
      try remove(hostName, in: folder)
      let target = text.bytes.map { CChar(bitPattern: $0) } + [0]
      guard symlinkat(target, folder.raw, hostName) == 0 else {
        throw SystemError("create the link", "\(name)")
      }
    case .block, .character, .fifo, .socket, .unknown: skipped.append(path)
    }
  }

  private mutating func copyContents(_ path: ByteString, to descriptor: Int32) throws {
    var count = bytes
    let limit = limits.bytes
    try connection.readFile(path, until: deadline) { piece in
      count += piece.count
      guard count <= limit else {
        throw GuestError.tooLarge("pull(\"\(path)\") gives more than \(limit) bytes")
      }
      try Files.writeAll(piece, to: descriptor, path: "\(path)")
    }
    bytes = count
  }

  /// A file or a link of that name gives way; a folder is kept and filled.
  private func makeDirectory(_ name: [CChar], in folder: borrowing Descriptor) throws {
    if mkdirat(folder.raw, name, 0o700) == 0 { return }
    guard errno == EEXIST else { throw SystemError("create the folder", Self.text(name)) }
    var status = Glibc.stat()
    let isKnown = fstatat(folder.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0
    if isKnown, status.st_mode & S_IFMT == S_IFDIR { return }
    try remove(name, in: folder)
    guard mkdirat(folder.raw, name, 0o700) == 0 else {
      throw SystemError("create the folder", Self.text(name))
    }
  }

  private static func text(_ name: [CChar]) -> String {
    String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func remove(_ name: [CChar], in folder: borrowing Descriptor) throws {
    guard unlinkat(folder.raw, name, 0) != 0, errno != ENOENT else { return }
    throw SystemError("replace", Self.text(name))
  }

  /// Sets permissions and time. A program of the guest gets no privileges on the host.
  private func finish(_ descriptor: Int32, _ status: FileStatus, _ name: ByteString) throws {
    guard fchmod(descriptor, status.mode & 0o777) == 0 else {
      throw SystemError("set the mode of", "\(name)")
    }
    let second: Int64 = 1_000_000_000
    let nanoseconds = (status.modifiedNanoseconds % second + second) % second
    let modified = timespec(
      tv_sec: Int((status.modifiedNanoseconds - nanoseconds) / second),
      tv_nsec: Int(nanoseconds)
    )
    let times = [timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2 /* UTIME_OMIT */), modified]
    guard futimens(descriptor, times) == 0 else { throw SystemError("set the time of", "\(name)") }
  }
}
