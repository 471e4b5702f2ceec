import Glibc
import ProviumSystem

/// A file that only grows.
enum LogFile {
  /// Adds to the end of `path`, made with its directories when it is not there.
  static func append(_ text: String, to path: String, mode: UInt32 = 0o600) throws {
    let folder = Files.parent(of: path)
    if !folder.isEmpty { try Files.createDirectories(folder, mode: 0o700) }
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: mode)
    try Files.writeAll(Array(text.utf8), to: file.raw, path: path)
  }
}
