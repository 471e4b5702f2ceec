import Glibc
import ProviumSystem

/// Appending to a file.
enum LogFile {
  /// Adds text to the end of the file, and creates the file and its directories when they are missing.
  static func append(_ text: String, to path: String, mode: UInt32 = 0o600) throws {
    let folder = Files.parent(of: path)
    if !folder.isEmpty { try Files.createDirectories(folder, mode: 0o700) }
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: mode)
    try Files.writeAll(Array(text.utf8), to: file.raw, path: path)
  }
}
