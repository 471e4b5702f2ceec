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

  /// Reads and writes return `EAGAIN` instead of blocking.
  package borrowing func setNonBlocking() throws {
    let flags = fcntl(raw, F_GETFL)
    guard flags >= 0, fcntl(raw, F_SETFL, flags | O_NONBLOCK) == 0 else {
      throw SystemError("make non-blocking descriptor", "\(raw)")
    }
  }
}
