import Glibc

/// An advisory lock (`flock(2)`) on a file. It is held as long as its owner exists. The kernel releases it
/// when the process dies.
package struct FileLock: ~Copyable, Sendable {
  private let file: Descriptor
  package let path: String

  private init(file: consuming Descriptor, path: String) {
    self.file = file
    self.path = path
  }

  /// Takes the lock; nil when another process holds it. Does not block.
  package static func tryAcquire(_ path: String) throws -> FileLock? {
    let file = try Descriptor.open(path, O_RDWR | O_CREAT)
    if flock(file.raw, LOCK_EX | LOCK_NB) == 0 { return FileLock(file: file, path: path) }
    if errno == EWOULDBLOCK { return nil }
    throw SystemError("lock", path)
  }

  /// Blocks until it has the lock; nil when the deadline has passed or the wait was cancelled. `flock` takes
  /// no deadline, so this tries again at growing intervals (2 to 50 ms).
  /// - Parameter waiting: called once, with the text of `describeHolder`, when the lock is not free at once.
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

  /// Writes a description of the holder into the file, for the processes that wait.
  package borrowing func describeHolder(_ text: String) {
    ftruncate(file.raw, 0)
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { pwrite(file.raw, $0.baseAddress, $0.count, 0) }
  }
}
