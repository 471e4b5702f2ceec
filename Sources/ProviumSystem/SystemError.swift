internal import CLinux
import Glibc

/// A number of `errno(3)`, printed by its name.
package struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
  package let number: Int32

  package init(_ number: Int32) { self.number = number }

  /// What the calling thread's last failed call left behind.
  package static var current: Errno { Errno(errno) }

  /// `ENOENT`; `errno 4711` when the host knows no such number.
  package var name: String {
    clinux_errno_name(number).map { String(cString: $0) } ?? "errno \(number)"
  }

  /// `ENOENT (No such file or directory)`.
  package var description: String { "\(name) (\(String(cString: strerror(number))))" }
}

/// A system call that failed: what was being done, to what, and why.
package struct SystemError: Error, Sendable, CustomStringConvertible {
  /// What was being done, as a phrase that follows "cannot": `open`, `create the directory`.
  package let operation: String
  /// The path, process or address it was done to.
  package let subject: String
  package let errno: Errno

  package init(_ operation: String, _ subject: String = "", _ errno: Errno = .current) {
    self.operation = operation
    self.subject = subject
    self.errno = errno
  }

  package var description: String {
    "cannot \(operation)\(subject.isEmpty ? "" : " \(subject)"): \(errno)"
  }
}
