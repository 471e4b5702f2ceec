internal import CLinux
import Glibc
import ProviumSystem

/// A folder of the host, read through one descriptor. Nothing outside of it can be reached: no path that it opens has a `..` or a
/// symbolic link, also where the host changes a folder to a link at the same time.
final class HostFolder: Sendable {
  let settings: ShareSettings
  let facts: NodeFacts
  private let root: Descriptor
  /// By inode number. Empty unless the folder is an unpacked archive.
  private let attributes: [UInt64: AttributeIndex.Attributes]
  private let user = geteuid()
  private let group = getegid()

  /// - Throws: `ShareProblem` for a path that is no folder, or that cannot be opened.
  init(_ settings: ShareSettings) throws(ShareProblem) {
    let path = settings.folder
    let raw = clinux_open_path(AT_FDCWD, path, 0)
    guard raw >= 0 else { throw ShareProblem("cannot share \(path): \(Errno(-raw))") }
    root = Descriptor(owning: raw)
    var status = stat()
    guard fstat(raw, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw ShareProblem("cannot share \(path): it is not a folder")
    }
    guard access("/proc/self/fd/\(raw)", R_OK | X_OK) == 0 else {
      throw ShareProblem(
        "cannot share \(path): this user may not read it (\(Errno(errno).name))"
      )
    }
    if let kind = Self.kernelFileSystem(of: raw) {
      throw ShareProblem(
        "cannot share \(path): it is on \(kind), whose files only this host's kernel has"
      )
    }
    self.settings = settings
    facts = NodeFacts(status)
    guard let index = settings.attributes else {
      attributes = [:]
      return
    }
    guard let text = try? Files.readText(index), let known = AttributeIndex(text) else {
      throw ShareProblem("cannot share \(path): \(index) is missing or damaged")
    }
    attributes = known.byInode(in: path)
  }

  /// The name of the kernel file system that a descriptor is on; nil for other file systems.
  static func kernelFileSystem(of descriptor: Int32) -> String? {
    var facts = clinux_file_system()
    guard clinux_file_system(descriptor, &facts) == 0 else { return nil }
    return KernelFileSystem.name(facts.type)
  }

  /// Whether the file system tells inotify of every change: one whose files only this host changes.
  var reportsChanges: Bool { fileSystem().map { LocalFileSystem.contains($0.type) } ?? false }

  /// The file system of the folder itself.
  func fileSystem() -> clinux_file_system? {
    var facts = clinux_file_system()
    return clinux_file_system(root.raw, &facts) == 0 ? facts : nil
  }

  /// Finds a file or folder without opening its contents.
  func find(_ path: [UInt8], _ flags: Int32 = 0) throws(Errno) -> Descriptor {
    let result = Self.withText(path) {
      clinux_open_beneath(root.raw, $0, flags, settings.isOneFileSystem)
    }
    guard result >= 0 else { throw Errno(-result) }
    return Descriptor(owning: result)
  }

  /// Opens what `find` has found for reading. The file was looked at before: to open a device could change its state.
  static func open(_ found: borrowing Descriptor, _ flags: Int32 = 0) throws(Errno) -> Descriptor {
    let result = clinux_reopen(found.raw, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags)
    guard result >= 0 else { throw Errno(-result) }
    return Descriptor(owning: result)
  }

  /// The status of what `find` has found.
  static func status(_ found: borrowing Descriptor) throws(Errno) -> stat {
    var status = stat()
    guard fstat(found.raw, &status) == 0 else { throw Errno(errno) }
    return status
  }

  /// The status of a name in a folder. A link is not followed, and nothing is mounted.
  static func status(_ name: [UInt8], in folder: borrowing Descriptor) throws(Errno) -> stat {
    var status = stat()
    let result = withText(name) { clinux_status(folder.raw, $0, &status) }
    guard result == 0 else { throw Errno(-result) }
    return status
  }

  /// Whether a folder appears empty: a kernel file system, or another file system than the root's where only one is shared.
  func isWithheld(_ name: [UInt8], in folder: borrowing Descriptor, _ status: stat) -> Bool {
    guard status.st_mode & S_IFMT == S_IFDIR, UInt64(status.st_dev) != facts.device else { return false }
    if settings.isOneFileSystem { return true }
    let raw = Self.withText(name) { clinux_open_path(folder.raw, $0, O_DIRECTORY | O_NOFOLLOW) }
    guard raw >= 0 else { return true }
    let found = Descriptor(owning: raw)
    return Self.kernelFileSystem(of: found.raw) != nil
  }

  /// Calls `body` with a name as a C string.
  static func withText<Result>(_ text: [UInt8], _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    (text + [0]).withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { body($0.baseAddress) }
    }
  }

  /// The attributes of a file of an unpacked archive that differ from those on the host.
  func attributes(_ status: stat) -> AttributeIndex.Attributes? {
    attributes.isEmpty || UInt64(status.st_dev) != facts.device ? nil : attributes[UInt64(status.st_ino)]
  }

  func user(_ owner: uid_t) -> UInt32 { settings.owner == .root && owner == user ? 0 : owner }
  func group(_ owner: gid_t) -> UInt32 { settings.owner == .root && owner == group ? 0 : owner }

  /// The number of a file for programs that compare files by it. Files of other file systems of the host get other numbers: the
  /// share is one file system in the guest.
  func inode(_ status: stat) -> UInt64 {
    let device = UInt64(status.st_dev)
    if device == facts.device { return UInt64(status.st_ino) }
    return UInt64(status.st_ino) ^ (device &* 0x9E37_79B9_7F4A_7C15) & 0xFFFF_F000_0000_0000
  }
}
