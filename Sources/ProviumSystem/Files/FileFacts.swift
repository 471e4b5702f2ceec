import Glibc

/// The facts that `stat(2)` gives about a file of the host. Comparing them is cheaper than comparing contents
/// when the question is whether the file is still the same.
package struct FileFacts: Sendable, Hashable, Codable {
  package let size: UInt64
  package let inode: UInt64
  package let modifiedNanoseconds: Int64
  /// Every write, truncation or copy over the file changes it, and no program can set it.
  package let changedNanoseconds: Int64

  package init(_ path: String) throws {
    var status = stat()
    guard stat(path.cPath, &status) == 0 else { throw SystemError("look at", path) }
    size = UInt64(status.st_size)
    inode = UInt64(status.st_ino)
    // A file can have a time beyond 2262, which wraps here: the number is compared, not read.
    func nanoseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec) }
    modifiedNanoseconds = nanoseconds(status.st_mtim)
    changedNanoseconds = nanoseconds(status.st_ctim)
  }
}
