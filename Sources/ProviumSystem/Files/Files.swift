internal import CLinux
import Glibc

/// Whole files and directories, by path. Every failure names the path and the errno.
package enum Files {
  /// Reads the whole contents, also of files in /proc whose size reads 0.
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

  /// Reads at most the first `count` bytes.
  package static func readHead(_ path: String, _ count: Int) throws -> [UInt8] {
    try read(path, from: 0, count: count)
  }

  /// Reads at most `count` bytes from `offset` on; none after the end of the file.
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

  /// Writes a file beside `path`, syncs it, and renames it over `path`: a reader sees the old file or the new one, never a
  /// part.
  package static func replace(_ path: String, with contents: [UInt8], mode: UInt32 = 0o600) throws {
    let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
    do {
      let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
      try writeAll(contents, to: file.raw, path: temporary)
      guard fsync(file.raw) == 0 else { throw SystemError("sync", temporary) }
      try rename(temporary, to: path)
    } catch {
      _ = PathText.withCString(temporary) { unlink($0) }
      throw error
    }
  }

  /// `stat(2)`, or `lstat(2)`.
  private static func lookAt(_ path: String, _ status: inout stat, following: Bool = true) -> Int32 {
    PathText.withCString(path) { fstatat(AT_FDCWD, $0, &status, following ? 0 : AT_SYMLINK_NOFOLLOW) }
  }

  package static func exists(_ path: String) -> Bool { PathText.withCString(path) { access($0, F_OK) } == 0 }

  package static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return lookAt(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether `path` is a regular file: not a directory, a device, a pipe or a socket.
  package static func isRegularFile(_ path: String) -> Bool {
    var status = stat()
    return lookAt(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Whether `path` itself is a symbolic link.
  package static func isSymbolicLink(_ path: String) -> Bool {
    var status = stat()
    return lookAt(path, &status, following: false) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// Returns the size in bytes; nil when there is no such file.
  package static func size(_ path: String) -> UInt64? {
    var status = stat()
    return lookAt(path, &status) == 0 ? UInt64(status.st_size) : nil
  }

  /// Creates the directory and the directories above it. Idempotent.
  package static func createDirectories(_ path: String, mode: UInt32 = 0o755) throws {
    if isDirectory(path) { return }
    let above = parent(of: path)
    if above != path, !above.isEmpty { try createDirectories(above, mode: mode) }
    guard PathText.withCString(path, { mkdir($0, mode) }) == 0 || errno == EEXIST else { throw SystemError("create the directory", path) }
  }

  /// Returns the names in a directory, sorted by their bytes, without `.` and `..`.
  package static func list(_ path: String) throws -> [String] {
    guard let directory = PathText.withCString(path, { opendir($0) }) else { throw SystemError("list", path) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { PathText.decode($0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.map { ExactString($0) }.sorted().map(\.text)
  }

  /// Removes a file or a whole tree. Symbolic links are removed, not followed. Does nothing when `path` does not exist.
  package static func removeTree(_ path: String) throws {
    var status = stat()
    guard lookAt(path, &status, following: false) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return }
      throw SystemError("remove", path)
    }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in try list(path) { try removeTree("\(path)/\(name)") }
      guard PathText.withCString(path, { rmdir($0) }) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
    } else {
      guard PathText.withCString(path, { unlink($0) }) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
    }
  }

  /// Copies a file. Holes, and blocks of zeros, take no room in the copy.
  package static func copySparse(_ path: String, to target: String, mode: UInt32 = 0o600) throws {
    let source = try Descriptor.open(path, O_RDONLY)
    let copy = try Descriptor.open(target, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
    let result = clinux_copy_sparse(source.raw, copy.raw)
    guard result == 0 else { throw SystemError("copy \(path) to", target, Errno(-result)) }
  }

  /// Blocks until a file's contents, or a folder's entries, are on the disk.
  package static func sync(_ path: String) throws {
    let file = try Descriptor.open(path, O_RDONLY)
    guard fsync(file.raw) == 0 else { throw SystemError("sync", path) }
  }

  /// Returns the bytes that a file takes on the disk: fewer than its size when it has holes.
  package static func blocks(_ path: String) -> UInt64 {
    var status = stat()
    return lookAt(path, &status, following: false) == 0 ? UInt64(status.st_blocks) * 512 : 0
  }

  /// Returns the bytes that this user can still write to the file system of `path`; nil when it cannot say.
  package static func freeSpace(_ path: String) -> UInt64? {
    var facts = statvfs()
    return PathText.withCString(path, { statvfs($0, &facts) }) == 0 ? UInt64(facts.f_bavail) * UInt64(facts.f_frsize) : nil
  }

  /// Renames a file or folder, replacing the one at `target`.
  package static func rename(_ path: String, to target: String) throws {
    let result = PathText.withCString(path) { path in
      PathText.withCString(target) { Glibc.rename(path, $0) }
    }
    guard result == 0 else { throw SystemError("rename \(PathText.visible(path)) to", target) }
  }

  /// Returns the folder of a path: `/a/b` for `/a/b/c`, `/` for `/a`, an empty text for `a`.
  package static func parent(of path: String) -> String {
    // Bytes, not characters: a combining mark after a slash makes one character of both.
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The home directory of this user, absolute: `$HOME`, else the entry in the system's list of users.
  package static var home: String? {
    if let home = Environment["HOME"] { return home.hasPrefix("/") ? home : "\(currentDirectory)/\(home)" }
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16384) { room in
      guard let text = room.baseAddress, getpwuid_r(getuid(), &entry, text, room.count, &found) == 0,
        found != nil
      else { return nil }
      return entry.pw_dir.map { PathText.decode($0) }
    }
  }

  /// Returns an absolute path as it is, any other one below `base`. A leading `~/` is the home directory.
  package static func resolve(_ path: String, against base: String) -> String {
    if path.hasPrefix("/") { return path }
    if path == "~" || path.hasPrefix("~/"), let home { return home + path.dropFirst() }
    return base.hasSuffix("/") ? base + path : "\(base)/\(path)"
  }

  /// Resolves links, `.` and `..`. Returns `path` itself when no such file exists.
  package static func canonical(_ path: String) -> String {
    guard let real = PathText.withCString(path, { realpath($0, nil) }) else { return path }
    defer { free(real) }
    return PathText.decode(real)
  }

  package static var currentDirectory: String {
    guard let path = getcwd(nil, 0) else { return "." }
    defer { free(path) }
    return PathText.decode(path)
  }

  package static func writeAll(_ contents: [UInt8], to descriptor: Int32, path: String) throws {
    try contents.withUnsafeBytes { try writeAll($0, to: descriptor, path: path) }
  }

  /// Writes all bytes, also to a descriptor that is non-blocking. Blocks.
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
