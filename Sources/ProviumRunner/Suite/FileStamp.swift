import Glibc
import ProviumSystem

/// The facts that change when a file is written again or replaced.
struct FileStamp: Equatable {
  private let size: Int
  private let inode: UInt
  private let seconds: Int
  private let nanoseconds: Int

  /// nil if the file does not exist.
  init?(_ path: String) {
    var status = stat()
    guard stat(path.cPath, &status) == 0 else { return nil }
    size = Int(status.st_size)
    inode = UInt(status.st_ino)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }
}
