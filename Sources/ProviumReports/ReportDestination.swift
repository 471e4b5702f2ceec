import Glibc
import ProviumSystem

/// A report that cannot be written or read, in the user's terms.
package struct ReportError: Error, Sendable, CustomStringConvertible {
  /// `cannot write the JUnit report to F: cannot open …`.
  package let description: String

  /// `cannot write the JUnit report to /x: EACCES …`
  init(_ operation: String, _ path: String, _ cause: String) {
    description = "cannot \(operation) \(path): \(cause)"
  }
}

/// Where a report goes: a file, or standard output. Made, and proven writable, before the run begins.
package struct ReportDestination: Sendable {
  /// `-` for standard output.
  package let path: String
  /// For messages: `JUnit`.
  package let report: String
  /// Then the terminal belongs on standard error.
  package var isStandardOutput: Bool { path == "-" }

  /// Creates the directories above `path`, and tries whether a file can be made there.
  /// - Throws: `ReportError`.
  package init(_ path: String, report: String) throws {
    self.path = path
    self.report = report
    try check()
  }

  /// Tries once more whether the report can be written; leaves nothing behind but directories.
  package func check() throws {
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
        unlink(trial)
      } else {
        guard access(target, W_OK) == 0 else { throw SystemError("open", path) }
      }
    } catch { throw refused(error) }
  }

  /// The whole report at once: a reader sees the older one or this one, never a part. Twice is fine.
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

  /// Open for writing, from the start; nothing is truncated.
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

  /// A link is written through, not replaced.
  private var target: String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  /// A regular file, or nothing yet. Devices and pipes (`/dev/stderr`, `>(cat)`) are written in place.
  private var isReplaceable: Bool {
    var status = stat()
    return stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
  }

  private func refused(_ error: any Error) -> ReportError {
    ReportError("write the \(report) report to", isStandardOutput ? "standard output" : path, "\(error)")
  }
}
