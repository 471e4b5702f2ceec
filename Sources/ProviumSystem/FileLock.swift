import Glibc

/// An advisory lock (`flock(2)`) on a file: held until the owner goes, released by the kernel if the process dies.
package struct FileLock: ~Copyable, Sendable {
  private let file: Descriptor
  package let path: String

  private init(file: consuming Descriptor, path: String) {
    self.file = file
    self.path = path
  }

  /// nil when somebody else holds it.
  package static func tryAcquire(_ path: String) throws -> FileLock? {
    let file = try Descriptor.open(path, O_RDWR | O_CREAT)
    if flock(file.raw, LOCK_EX | LOCK_NB) == 0 { return FileLock(file: file, path: path) }
    if errno == EWOULDBLOCK { return nil }
    throw SystemError("lock", path)
  }

  /// Waits for it. `flock` knows no deadline, so this asks again at growing intervals (2 to 50 ms); `waiting` is
  /// called once, with what the holder wrote into the file, when the lock is not free at once. nil when
  /// the time is over or the wait was cancelled.
  package static func acquire(
    _ path: String,
    until deadline: Deadline,
    waiting: (String) -> Void = { _ in },
    isCancelled: () -> Bool = { false }
  ) throws -> FileLock? {
    var said = false
    var pause: useconds_t = 2_000
    while true {
      if let lock = try tryAcquire(path) { return lock }
      if !said {
        waiting(((try? Files.readText(path)) ?? "").trimmed)
        said = true
      }
      if deadline.isExpired || isCancelled() { return nil }
      usleep(pause)
      pause = min(pause * 2, 50_000)
    }
  }

  /// Says who holds it, for those who wait.
  package borrowing func describeHolder(_ text: String) {
    ftruncate(file.raw, 0)
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { pwrite(file.raw, $0.baseAddress, $0.count, 0) }
  }
}
