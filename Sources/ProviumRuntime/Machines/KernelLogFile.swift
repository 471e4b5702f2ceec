import Glibc
import ProviumAgentClient
import ProviumSystem
import Synchronization

/// A file with the records of a guest's kernel log, one line each, like `dmesg` prints them. Thread-safe.
///
///     [    0.000000] Linux version 6.1.0
final class KernelLogFile: Sendable {
  private let file: Descriptor
  private let path: String
  private let written = Mutex(0)

  /// A guest that logs without end must not fill the disk.
  private static let limit = 64 << 20

  /// Creates the file and its folder. An existing file is replaced.
  init(path: String) throws {
    try Files.createDirectories(Files.parent(of: path), mode: 0o700)
    self.path = path
    file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
  }

  /// Appends records to the file, see `take`.
  var receiver: @Sendable (KernelLogBatch) -> Void { { self.take($0) } }

  /// Removes the file.
  func remove() { try? Files.removeTree(path) }

  /// Appends records. Errors are ignored: a full disk loses lines of a log, not a test.
  func take(_ batch: KernelLogBatch) {
    var text =
      batch.lost == 0 ? "" : "[provium: \(batch.lost) records were overwritten before they were read]\n"
    for record in batch.records { text += Self.line(record) + "\n" }
    written.withLock { written in
      guard written < Self.limit else { return }
      written += text.utf8.count
      if written >= Self.limit { text += "[provium: the log is cut here]\n" }
      try? Files.writeAll(Array(text.utf8), to: file.raw, path: path)
    }
  }

  /// `[    1.234567] text`. The text is the guest's; a line end in it begins a line of its own.
  static func line(_ record: KernelLogRecord) -> String {
    let seconds = String(record.microseconds / 1_000_000)
    let fraction = String(record.microseconds % 1_000_000)
    let stamp =
      String(repeating: " ", count: max(0, 5 - seconds.utf8.count)) + seconds + "."
      + String(repeating: "0", count: 6 - fraction.utf8.count) + fraction
    return "[\(stamp)] \(String(decoding: record.text, as: UTF8.self))\(record.isTruncated ? " …" : "")"
  }
}
