internal import CLinux
import Glibc

/// A number of `errno(3)`, printed by its name.
package struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
  package let number: Int32

  package init(_ number: Int32) { self.number = number }

  /// The error of the last failed call of this thread.
  package static var current: Errno { Errno(errno) }

  /// `ENOENT`; `errno 4711` when the host knows no such number.
  package var name: String {
    clinux_errno_name(number).map { String(cString: $0) } ?? "errno \(number)"
  }

  /// `ENOENT (No such file or directory)`.
  package var description: String { "\(name) (\(String(cString: strerror(number))))" }
}
