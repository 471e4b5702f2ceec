import Glibc
import ProviumArchitecture
package import ProviumSystem

/// Changes to the guest's file systems, each made with one system call. Paths are relative to the agent's directory unless they
/// begin with `/`.
extension AgentConnection {
  /// Creates a directory with exactly the given permissions, whatever the agent's umask.
  package func makeDirectory(_ path: ByteString, mode: UInt32 = 0o755, until deadline: Deadline) throws {
    try fileCall("mkdir", path, "mkdirat", [Self.cwd, 0, Int64(mode)], [1: path], until: deadline)
    try changeMode(of: path, to: mode, until: deadline)
  }

  /// Creates a directory and every missing parent.
  package func makeDirectories(_ path: ByteString, mode: UInt32 = 0o755, until deadline: Deadline) throws {
    var end = 0
    let bytes = try path.checkedPath().bytes
    while end < bytes.count {
      end = bytes[(end + 1)...].firstIndex(of: UInt8(ascii: "/")) ?? bytes.count
      let part = ByteString(Array(bytes[..<end]))
      do { try makeDirectory(part, mode: mode, until: deadline) } catch GuestError.refused(let errno, _)
        where errno.number == EEXIST
      {
        // A file in the way fails at the next part; at the last one it must be told here.
        guard end == bytes.count, !(try isDirectory(part, until: deadline)) else { continue }
        throw GuestError.refused(errno, message: "mkdir(\"\(path)\"): it is there and is not a directory")
      }
    }
  }

  /// Removes a file, a symbolic link or an empty directory.
  package func remove(_ path: ByteString, until deadline: Deadline) throws {
    let isDirectory = try stat(path, until: deadline).type == .directory
    try unlink(path, isDirectory: isDirectory, until: deadline)
  }

  /// Removes a directory with everything in it, or a file. Symbolic links are removed and not followed.
  package func removeTree(_ path: ByteString, until deadline: Deadline) throws {
    guard try stat(path, until: deadline).type == .directory else {
      return try unlink(path, isDirectory: false, until: deadline)
    }
    // A stack and no recursion: the guest decides how deep its directories are.
    var open: [(path: ByteString, isListed: Bool)] = [(path, false)]
    while let (next, isListed) = open.popLast() {
      if isListed {
        try unlink(next, isDirectory: true, until: deadline)
        continue
      }
      open.append((next, true))
      for entry in try list(next, until: deadline) {
        let child = next.appending(entry.name)
        if try type(of: entry, at: child, until: deadline) == .directory {
          open.append((child, false))
        } else {
          try unlink(child, isDirectory: false, until: deadline)
        }
      }
    }
  }

  /// Renames a file or a directory. An existing file at `target` is replaced.
  package func rename(_ path: ByteString, to target: ByteString, until deadline: Deadline) throws {
    try fileCall(
      "rename",
      path,
      "renameat2",
      [Self.cwd, 0, Self.cwd, 0, 0],
      [1: path, 3: target],
      until: deadline
    )
  }

  /// Sets the permissions of a file. Follows symbolic links.
  package func changeMode(of path: ByteString, to mode: UInt32, until deadline: Deadline) throws {
    try fileCall("chmod", path, "fchmodat", [Self.cwd, 0, Int64(mode)], [1: path], until: deadline)
  }

  /// Creates a symbolic link at `path` whose text is `target`.
  package func makeSymbolicLink(_ target: ByteString, at path: ByteString, until deadline: Deadline) throws {
    try fileCall("symlink", path, "symlinkat", [0, Self.cwd, 0], [0: target, 2: path], until: deadline)
  }

  /// Returns the text of a symbolic link.
  package func readSymbolicLink(_ path: ByteString, until deadline: Deadline) throws -> ByteString {
    // PATH_MAX of linux/limits.h: the kernel makes no longer links.
    let room = CallBuffer(argument: 2, bytes: [UInt8](repeating: 0, count: 4096))
    let result = try fileCall(
      "readlink",
      path,
      "readlinkat",
      [Self.cwd, 0, 0, 4096],
      [1: path],
      room: room,
      until: deadline
    )
    guard let bytes = result.buffers.last, (0...bytes.count).contains(Int(result.value)) else {
      throw GuestError.tooLarge("readlink(\"\(path)\") gives \(result.value) bytes")
    }
    return ByteString(Array(bytes[..<Int(result.value)]))
  }

  /// Sets the time of the last modification, in nanoseconds since 1970, and leaves the time of the last access. Does not follow
  /// symbolic links.
  package func setModificationTime(of path: ByteString, to time: Int64, until deadline: Deadline) throws {
    let second: Int64 = 1_000_000_000
    let nanoseconds = (time % second + second) % second
    // Two struct timespec; UTIME_OMIT (1 << 30) - 2 leaves the first.
    let words: [Int64] = [0, (1 << 30) - 2, (time - nanoseconds) / second, nanoseconds]
    let times = CallBuffer(
      argument: 2,
      bytes: words.flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
    )
    try fileCall(
      "utimens",
      path,
      "utimensat",
      [Self.cwd, 0, 0, 0x100 /* AT_SYMLINK_NOFOLLOW */],
      [1: path],
      room: times,
      until: deadline
    )
  }

  /// Reads at most `count` bytes of a file from `offset` on; fewer at its end, none beyond it.
  package func readFile(_ path: ByteString, from offset: UInt64, count: Int, until deadline: Deadline) throws
    -> [UInt8]
  {
    let flags: Int64 = 0x80000 | 0x800 /* O_CLOEXEC | O_NONBLOCK */
    let file = try fileCall("read", path, "openat", [Self.cwd, 0, flags], [1: path], until: deadline).value
    defer { _ = try? fileCall("close", path, "close", [file], [:], until: deadline) }
    let room = CallBuffer(argument: 1, bytes: [UInt8](repeating: 0, count: count))
    let result = try fileCall(
      "read",
      path,
      "pread64",
      [file, 0, Int64(count), Int64(clamping: offset)],
      [:],
      room: room,
      until: deadline
    )
    guard let bytes = result.buffers.first, (0...bytes.count).contains(Int(clamping: result.value)) else {
      throw GuestError.tooLarge("read(\"\(path)\") gives \(result.value) bytes")
    }
    return Array(bytes[..<Int(result.value)])
  }

  /// Whether there is something at the path. A symbolic link counts, also one that leads nowhere.
  package func exists(_ path: ByteString, until deadline: Deadline) throws -> Bool {
    do {
      _ = try stat(path, until: deadline)
      return true
    } catch GuestError.refused(let errno, _) where [ENOENT, ENOTDIR].contains(errno.number) {
      return false
    }
  }

  /// Returns the type of an entry, which some file systems do not tell with its name.
  func type(of entry: DirectoryEntry, at path: ByteString, until deadline: Deadline) throws -> FileType {
    if let type = entry.fileType { return type }
    return try stat(path, until: deadline).type
  }

  /// Whether the path leads to a directory, also over symbolic links.
  private func isDirectory(_ path: ByteString, until deadline: Deadline) throws -> Bool {
    try exists(path.appending("."), until: deadline)
  }

  private func unlink(_ path: ByteString, isDirectory: Bool, until deadline: Deadline) throws {
    let flags: Int64 = isDirectory ? 0x200 /* AT_REMOVEDIR */ : 0
    try fileCall("remove", path, "unlinkat", [Self.cwd, 0, flags], [1: path], until: deadline)
  }

  /// AT_FDCWD of linux/fcntl.h.
  private static let cwd: Int64 = -100

  /// Makes one system call that takes paths.
  /// - Parameters:
  ///   - action: the operation in the words of a script, for messages.
  ///   - paths: the paths by the index of their argument.
  /// - Throws: `GuestError.refused` with the text `ACTION("PATH"): ERRNO`.
  @discardableResult
  private func fileCall(
    _ action: String,
    _ path: ByteString,
    _ name: String,
    _ arguments: [Int64],
    _ paths: [Int: ByteString],
    room: CallBuffer? = nil,
    until deadline: Deadline
  ) throws -> SystemCallResult {
    guard let number = SyscallName.number(name, architecture) else {
      throw GuestError.refused(
        Errno(ENOSYS),
        message: "\(action)(\"\(path)\"): the guest's architecture has no \(name)"
      )
    }
    var buffers = room.map { [$0] } ?? []
    for (argument, path) in paths {
      buffers.append(CallBuffer(argument: argument, bytes: try path.checkedPath().bytes + [0]))
    }
    let call = SystemCall(number: number, arguments: arguments, buffers: buffers)
    let result = try syscall(call, name: name, until: deadline)
    if let errno = result.errno {
      throw GuestError.refused(errno, message: "\(action)(\"\(path)\"): \(errno)")
    }
    return result
  }
}

extension ByteString {
  /// The path of an entry of the directory at this path.
  func appending(_ name: ByteString) -> ByteString {
    ByteString(bytes + (bytes.last == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]) + name.bytes)
  }
}
