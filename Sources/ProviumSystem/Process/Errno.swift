internal import CLinux
import Glibc

/// An error number of Linux (errno(3)), printed by its name.
///
/// ```swift
/// let opened = try await vm.syscall("openat", -100, "/missing", 0)
/// #expect(opened.errno == .ENOENT)
/// #expect(throws: Errno.ENOENT) { try opened.get() }
/// ```
public struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
  /// The number, positive: 2 for ENOENT.
  public let number: Int32

  /// Creates an error from its number.
  public init(_ number: Int32) { self.number = number }

  /// The error of the last failed call of this thread.
  package static var current: Errno { Errno(errno) }

  /// The name: `ENOENT`; `errno 4711` for a number without a name.
  public var name: String {
    clinux_errno_name(number).map { String(cString: $0) } ?? "errno \(number)"
  }

  /// The name and the text of strerror(3): `ENOENT (No such file or directory)`.
  public var description: String { "\(name) (\(String(cString: strerror(number))))" }
}
