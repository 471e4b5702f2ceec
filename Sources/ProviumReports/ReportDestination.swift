import Glibc
import ProviumSystem

/// The file that a report is written to, or standard output. Making a destination before the run proves that
/// the report can be written.
package struct ReportDestination: Sendable {
  /// The path that means standard output.
  static let standardOutput = "-"

  /// The path as the user gave it.
  package let path: String
  /// The report's name in messages: `JUnit`.
  package let report: String
  package var isStandardOutput: Bool { path == Self.standardOutput }

  /// Creates the directories above `path`, and proves that a file can be made there.
  /// - Throws: `ReportError`.
  package init(_ path: String, report: String) throws {
    self.path = path
    self.report = report
    try check()
  }

  /// Leaves nothing on the disk except directories.
  private func check() throws {
    if isStandardOutput { return }
    do {
      guard !path.isEmpty else { throw SystemError("open", "\"\"", Errno(ENOENT)) }
      guard !Files.isDirectory(path), !path.hasSuffix("/") else {
        throw SystemError("open", path, Errno(EISDIR))
      }
      let folder = Files.parent(of: target)
      if !folder.isEmpty { try Files.createDirectories(folder) }
      if isReplaceable {
        let trial = "\(target).\(getpid()).\(UInt32.random(in: 0 ... .max)).trial"
        _ = try Descriptor.open(trial, O_WRONLY | O_CREAT | O_EXCL)
        unlink(trial.cPath)
      } else {
        guard access(target.cPath, W_OK) == 0 else { throw SystemError("open", path) }
      }
    } catch { throw refused(error) }
  }

  /// Replaces the file's contents in one step: a reader sees the older report or this one, never a part.
  package func write(_ text: String) throws {
    let bytes = Array(text.utf8)
    do {
      if isStandardOutput {
        try Files.writeAll(bytes, to: 1, path: "standard output")
      } else if isReplaceable {
        try Files.replace(target, with: bytes, mode: 0o644)
      } else {
        try Files.write(bytes, to: target, mode: 0o644)
      }
    } catch { throw refused(error) }
  }

  /// Opens the file for writing from its start. Does not truncate it.
  func open() throws -> Descriptor {
    do {
      if isStandardOutput {
        let copy = fcntl(1, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw SystemError("open", "standard output") }
        return Descriptor(owning: copy)
      }
      return try Descriptor.open(target, O_WRONLY | O_CREAT, mode: 0o644)
    } catch { throw refused(error) }
  }

  /// The path that is written: a symbolic link stays, and its target is written.
  private var target: String {
    Files.canonical(path)
  }

  /// Whether the path is a regular file or does not exist. Devices and pipes (`/dev/stderr`, `>(cat)`) are
  /// written in place.
  private var isReplaceable: Bool {
    var status = stat()
    return stat(path.cPath, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
  }

  /// The error of a write, in the user's terms.
  func refused(_ error: any Error) -> ReportError {
    ReportError("write the \(report) report to", isStandardOutput ? "standard output" : path, "\(error)")
  }
}
