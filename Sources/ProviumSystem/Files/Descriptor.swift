internal import CLinux
import Glibc

/// A file descriptor with one owner: closed when the owner goes, unless released.
package struct Descriptor: ~Copyable, Sendable {
  package let raw: Int32

  /// Takes ownership of an open descriptor.
  package init(owning raw: Int32) { self.raw = raw }

  deinit { Glibc.close(raw) }

  /// Gives the descriptor up; the caller now owns it.
  package consuming func release() -> Int32 {
    let raw = raw
    discard self
    return raw
  }

  /// A second descriptor of the same open file, close-on-exec.
  package borrowing func duplicate() throws -> Descriptor {
    let copy = fcntl(raw, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { throw SystemError("duplicate descriptor", "\(raw)") }
    return Descriptor(owning: copy)
  }

  /// Opens `path`, close-on-exec.
  package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws -> Descriptor {
    let raw = Glibc.open(path.cPath, flags | O_CLOEXEC, mode)
    guard raw >= 0 else { throw SystemError("open", path) }
    return Descriptor(owning: raw)
  }

  /// An empty file without a name in `folder`, open for reading and writing, close-on-exec. It is gone with its last
  /// descriptor.
  package static func temporaryFile(in folder: String) throws -> Descriptor {
    let raw = clinux_temporary_file(folder.cPath)
    if raw >= 0 { return Descriptor(owning: raw) }
    guard raw == -EOPNOTSUPP || raw == -EISDIR || raw == -ENOENT else {
      throw SystemError("make a temporary file in", folder, Errno(-raw))
    }
    // A file system without O_TMPFILE.
    let name = "\(folder)/.temporary-\(Hex.text(Random.bytes(8)))"
    let file = try open(name, O_RDWR | O_CREAT | O_EXCL)
    unlink(name.cPath)
    return file
  }

  /// A file in memory, close-on-exec. It is gone with its last descriptor.
  /// - Parameter size: bytes.
  package static func memoryFile(_ name: String, size: Int) throws -> Descriptor {
    let raw = clinux_memory_file(name, size)
    guard raw >= 0 else { throw SystemError("make a file in memory", name, Errno(-raw)) }
    return Descriptor(owning: raw)
  }

  /// Gives the room of a range of a file back, where the file system can. The size stays.
  package borrowing func releaseRoom(at offset: Int, count: Int) { _ = clinux_punch_hole(raw, offset, count) }

  /// Reads and writes return `EAGAIN` instead of blocking.
  package borrowing func setNonBlocking() throws {
    let flags = fcntl(raw, F_GETFL)
    guard flags >= 0, fcntl(raw, F_SETFL, flags | O_NONBLOCK) == 0 else {
      throw SystemError("make non-blocking descriptor", "\(raw)")
    }
  }
}
