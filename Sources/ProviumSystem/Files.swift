internal import CLinux
import Glibc

/// Whole files and directories, by path. Every failure names the path and the errno.
package enum Files {
  /// The whole contents, also of files in /proc whose size reads 0.
  package static func read(_ path: String) throws -> [UInt8] {
    let file = try Descriptor.open(path, O_RDONLY)
    var status = stat()
    guard fstat(file.raw, &status) == 0 else { throw SystemError("read", path) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw SystemError("read", path, Errno(EISDIR)) }
    var contents: [UInt8] = []
    contents.reserveCapacity(Int(status.st_size) + 1)
    while true {
      let step = max(Int(status.st_size) + 1 - contents.count, 65536)
      let count = try withUnsafeTemporaryAllocation(byteCount: min(step, 1 << 20), alignment: 16) { chunk in
        let count = Glibc.read(file.raw, chunk.baseAddress, chunk.count)
        guard count >= 0 else { throw SystemError("read", path) }
        contents.append(contentsOf: chunk[..<count])
        return count
      }
      if count == 0 { return contents }
    }
  }

  /// The first bytes, at most `count`.
  package static func readHead(_ path: String, _ count: Int) throws -> [UInt8] {
    try read(path, from: 0, count: count)
  }

  /// The bytes from `offset` on, at most `count`; none behind the file's end.
  package static func read(_ path: String, from offset: UInt64, count: Int) throws -> [UInt8] {
    let file = try Descriptor.open(path, O_RDONLY)
    guard let start = Int(exactly: offset) else { return [] }
    var filled = 0
    var head = [UInt8](repeating: 0, count: count)
    while filled < count {
      let part = head[filled...].withUnsafeMutableBytes {
        pread(file.raw, $0.baseAddress, $0.count, start + filled)
      }
      guard part >= 0 else { throw SystemError("read", path) }
      if part == 0 { break }
      filled += part
    }
    return Array(head.prefix(filled))
  }

  package static func readText(_ path: String) throws -> String {
    String(decoding: try read(path), as: UTF8.self)
  }

  /// Creates or truncates `path`. Not atomic: see `replace`.
  package static func write(_ contents: [UInt8], to path: String, mode: UInt32 = 0o600) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
    try writeAll(contents, to: file.raw, path: path)
  }

  /// Writes beside `path`, syncs, and renames over it: a reader sees the old file or the new one, never a part.
  package static func replace(_ path: String, with contents: [UInt8], mode: UInt32 = 0o600) throws {
    let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
    do {
      let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
      try writeAll(contents, to: file.raw, path: temporary)
      guard fsync(file.raw) == 0 else { throw SystemError("sync", temporary) }
      guard Glibc.rename(temporary, path) == 0 else { throw SystemError("rename to", path) }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  package static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Not a directory, a device, a pipe or a socket.
  package static func isRegularFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Bytes; nil when there is no such file.
  package static func size(_ path: String) -> UInt64? {
    var status = stat()
    return stat(path, &status) == 0 ? UInt64(status.st_size) : nil
  }

  /// Creates the directory and those above it.
  package static func createDirectories(_ path: String, mode: UInt32 = 0o755) throws {
    if isDirectory(path) { return }
    let above = parent(of: path)
    if above != path, !above.isEmpty { try createDirectories(above, mode: mode) }
    guard mkdir(path, mode) == 0 || errno == EEXIST else { throw SystemError("create the directory", path) }
  }

  /// Names in a directory, sorted, without `.` and `..`.
  package static func list(_ path: String) throws -> [String] {
    guard let directory = opendir(path) else { throw SystemError("list", path) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes a file or a whole tree; symbolic links are removed, not followed. What is not there is fine.
  package static func removeTree(_ path: String) throws {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return }
      throw SystemError("remove", path)
    }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in try list(path) { try removeTree("\(path)/\(name)") }
      guard rmdir(path) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
    } else {
      guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
    }
  }

  /// Copies a file; what is a hole, or all zeros, takes no room in the copy.
  package static func copySparse(_ path: String, to target: String, mode: UInt32 = 0o600) throws {
    let source = try Descriptor.open(path, O_RDONLY)
    let copy = try Descriptor.open(target, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
    let result = clinux_copy_sparse(source.raw, copy.raw)
    guard result == 0 else { throw SystemError("copy \(path) to", target, Errno(-result)) }
  }

  /// Waits until a file's contents, or a folder's entries, are on the disk.
  package static func sync(_ path: String) throws {
    let file = try Descriptor.open(path, O_RDONLY)
    guard fsync(file.raw) == 0 else { throw SystemError("sync", path) }
  }

  /// Bytes that a file takes on the disk: less than its size when it has holes.
  package static func blocks(_ path: String) -> UInt64 {
    var status = stat()
    return lstat(path, &status) == 0 ? UInt64(status.st_blocks) * 512 : 0
  }

  /// Bytes that are free for us on the file system that holds `path`; nil when it cannot say.
  package static func freeSpace(_ path: String) -> UInt64? {
    var facts = statvfs()
    return statvfs(path, &facts) == 0 ? UInt64(facts.f_bavail) * UInt64(facts.f_frsize) : nil
  }

  /// Replaces what stands at `target`.
  package static func rename(_ path: String, to target: String) throws {
    guard Glibc.rename(path, target) == 0 else { throw SystemError("rename \(path) to", target) }
  }

  /// `/a/b` for `/a/b/c`; `/` for `/a`; `` for `a`.
  package static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Of this user: `$HOME`, else what the system's list of users says.
  package static var home: String? {
    if let home = Environment["HOME"] { return home }
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16384) { room in
      guard let text = room.baseAddress, getpwuid_r(getuid(), &entry, text, room.count, &found) == 0,
        found != nil
      else { return nil }
      return entry.pw_dir.map { String(cString: $0) }
    }
  }

  /// `path` against `base`, unless it is absolute; `~/` is the home directory.
  package static func resolve(_ path: String, against base: String) -> String {
    if path.hasPrefix("/") { return path }
    if path == "~" || path.hasPrefix("~/"), let home { return home + path.dropFirst() }
    return base.hasSuffix("/") ? base + path : "\(base)/\(path)"
  }

  /// Without links, `.` and `..`; as it is when it leads nowhere.
  package static func canonical(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  package static var currentDirectory: String {
    guard let path = getcwd(nil, 0) else { return "." }
    defer { free(path) }
    return String(cString: path)
  }

  package static func writeAll(_ contents: [UInt8], to descriptor: Int32, path: String) throws {
    try contents.withUnsafeBytes { try writeAll($0, to: descriptor, path: path) }
  }

  /// Also to a descriptor that somebody has made non-blocking.
  package static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        guard errno == EAGAIN else { throw SystemError("write", path) }
        var interests = [Readiness.Interest.write(descriptor)]
        try Readiness.wait(&interests, until: .never)
        continue
      }
      rest = rest.dropFirst(count)
    }
  }
}

extension String {
  /// Without white space at both ends.
  package var trimmed: String {
    var part = self[...]
    while let first = part.first, first.isWhitespace { part.removeFirst() }
    while let last = part.last, last.isWhitespace { part.removeLast() }
    return String(part)
  }
}

/// What `stat(2)` says of a file: cheaper than its contents, for telling whether it is still the same.
package struct FileFacts: Sendable, Hashable, Codable {
  package let size: UInt64
  package let inode: UInt64
  package let modifiedNanoseconds: Int64
  /// No program can set it: a write, a truncation or a copy over the file changes it.
  package let changedNanoseconds: Int64

  package init(_ path: String) throws {
    var status = stat()
    guard stat(path, &status) == 0 else { throw SystemError("look at", path) }
    size = UInt64(status.st_size)
    inode = UInt64(status.st_ino)
    // Anybody can give a file a time beyond 2262, which wraps: it is compared, not read.
    func nanoseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec) }
    modifiedNanoseconds = nanoseconds(status.st_mtim)
    changedNanoseconds = nanoseconds(status.st_ctim)
  }
}
