import Foundation
import Glibc
import ProviumSystem
import Testing

/// A command of `provium` on a pseudo-terminal of its test.
final class TerminalSession {
  let child: ChildProcess
  private let master: Descriptor
  private var seen = ""

  init(_ command: String, _ arguments: [String], in project: Project) throws {
    // As posix_openpt, unlockpt and ptsname do, which Swift's Glibc lacks.
    master = try Descriptor.open("/dev/ptmx", O_RDWR | O_NOCTTY)
    var isLocked: Int32 = 0
    var number: UInt32 = 0
    let setLock: UInt = 0x4004_5431, getNumber: UInt = 0x8004_5430
    let opened = ioctl(master.raw, setLock, &isLocked) == 0 && ioctl(master.raw, getNumber, &number) == 0
    try #require(opened)
    let slave = try Descriptor.open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    child = try ChildProcess(
      executable: Command.binary,
      arguments: [command] + arguments,
      environment: ["PATH=/usr/bin:/bin", "HOME=\(String(cString: getenv("HOME")))", "TERM=xterm"],
      directory: project.path,
      descriptors: [0: slave.raw, 1: slave.raw, 2: slave.raw]
    )
    resize(columns: 100, rows: 30)
  }

  func resize(columns: UInt16, rows: UInt16) {
    var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(master.raw, UInt(TIOCSWINSZ), &size)
    // The test's terminal is not the child's controlling one, so the kernel does not send the signal.
    kill(child.pid, SIGWINCH)
  }

  func type(_ text: String) throws {
    try Files.writeAll(Array(text.utf8), to: master.raw, path: "the terminal")
  }

  /// Reads until `text` has come, and forgets everything up to it.
  ///
  /// Keeps only as much output as `text` and a message need: a search of everything that came would be quadratic.
  func expect(_ text: String, seconds: Int64 = 60) throws {
    let deadline = Deadline.after(.seconds(seconds))
    while true {
      if let range = seen.range(of: text) {
        seen.removeSubrange(..<range.upperBound)
        return
      }
      if seen.utf8.count > 8192 { seen = String(seen.suffix(2000)) }
      try #require(
        try Readiness.waitReadable(master.raw, until: deadline),
        "no \(text) in: \(seen.suffix(2000))"
      )
      var bytes = [UInt8](repeating: 0, count: 65536)
      let count = read(master.raw, &bytes, bytes.count)
      try #require(count > 0, "the terminal ended; no \(text) in: \(seen.suffix(2000))")
      seen += String(decoding: bytes[..<count], as: UTF8.self)
    }
  }
}
