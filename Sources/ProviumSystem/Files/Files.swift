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

  /// Writes a file that does not exist yet.
  /// - Throws: `SystemError` with `EEXIST` if it exists.
  package static func create(_ path: String, with contents: [UInt8], mode: UInt32 = 0o600) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
    try writeAll(contents, to: file.raw, path: path)
  }

  /// Writes a file beside `path`, syncs it, and renames it over `path`: a reader sees the old file or the new
  /// one, never a part.
  package static func replace(_ path: String, with contents: [UInt8], mode: UInt32 = 0o600) throws {
    let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
    do {
      let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
      try writeAll(contents, to: file.raw, path: temporary)
      guard fsync(file.raw) == 0 else { throw SystemError("sync", temporary) }
      guard Glibc.rename(temporary.cPath, path.cPath) == 0 else { throw SystemError("rename to", path) }
    } catch {
      unlink(temporary.cPath)
      throw error
    }
  }

  package static func exists(_ path: String) -> Bool { access(path.cPath, F_OK) == 0 }

  package static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path.cPath, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether `path` is a regular file: not a directory, a device, a pipe or a socket.
  package static func isRegularFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path.cPath, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Whether `path` itself is a symbolic link.
  package static func isSymbolicLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path.cPath, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// Returns the size in bytes; nil when there is no such file.
  package static func size(_ path: String) -> UInt64? {
    var status = stat()
    return stat(path.cPath, &status) == 0 ? UInt64(status.st_size) : nil
  }

  /// Creates the directory and the directories above it. Idempotent.
  package static func createDirectories(_ path: String, mode: UInt32 = 0o755) throws {
    if isDirectory(path) { return }
    let above = parent(of: path)
    if above != path, !above.isEmpty { try createDirectories(above, mode: mode) }
    guard mkdir(path.cPath, mode) == 0 || errno == EEXIST else {
      throw SystemError("create the directory", path)
    }
  }

  /// Returns the names in a directory, sorted by their bytes, without `.` and `..`. Names have the form of
  /// `PathText`.
  package static func list(_ path: String) throws -> [String] {
    guard let directory = opendir(path.cPath) else { throw SystemError("list", path) }
    defer { closedir(directory) }
    var names: [[UInt8]] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != [0x2E] && name != [0x2E, 0x2E] { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }.map { PathText.string(of: $0) }
  }

  /// Removes a file or a whole tree. Symbolic links are removed, not followed. Does nothing when `path` does
  /// not exist.
  package static func removeTree(_ path: String) throws {
    var status = stat()
    guard lstat(path.cPath, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return }
      throw SystemError("remove", path)
    }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in try list(path) { try removeTree("\(path)/\(name)") }
      guard rmdir(path.cPath) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
    } else {
      guard unlink(path.cPath) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
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
    return lstat(path.cPath, &status) == 0 ? UInt64(status.st_blocks) * 512 : 0
  }

  /// Returns the bytes that this user can still write to the file system of `path`; nil when it cannot say.
  package static func freeSpace(_ path: String) -> UInt64? {
    var facts = statvfs()
    return statvfs(path.cPath, &facts) == 0 ? UInt64(facts.f_bavail) * UInt64(facts.f_frsize) : nil
  }

  /// Renames a file or folder, replacing the one at `target`.
  package static func rename(_ path: String, to target: String) throws {
    guard Glibc.rename(path.cPath, target.cPath) == 0 else { throw SystemError("rename \(path) to", target) }
  }

  /// Returns the folder of a path: `/a/b` for `/a/b/c`, `/` for `/a`, an empty text for `a`.
  package static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
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
      return entry.pw_dir.map { String(cString: $0) }
    }
  }

  /// Returns an absolute path as it is, any other one below `base`. A leading `~/` is the home directory.
  package static func resolve(_ path: String, against base: String) -> String {
    if path.hasPrefix("/") { return path }
    if path == "~" || path.hasPrefix("~/"), let home { return home + path.dropFirst() }
    return base.hasSuffix("/") ? base + path : "\(base)/\(path)"
  }

  /// Resolves links, `.` and `..`. Returns `path` itself when no such file exists. The result has the form of
  /// `PathText`.
  package static func canonical(_ path: String) -> String {
    guard let real = realpath(path.cPath, nil) else { return path }
    defer { free(real) }
    return PathText.string(of: UnsafeRawBufferPointer(start: real, count: strlen(real)))
  }

  package static var currentDirectory: String {
    guard let path = getcwd(nil, 0) else { return "." }
    defer { free(path) }
    return PathText.string(of: UnsafeRawBufferPointer(start: path, count: strlen(path)))
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
