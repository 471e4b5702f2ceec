import Glibc

/// A system call that failed: what was being done, to what, and why.
package struct SystemError: Error, Sendable, CustomStringConvertible {
  /// A phrase that follows "cannot": `open`, `create the directory`.
  package let operation: String
  /// The path, process or address of the operation.
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
