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

  /// The call that failed, for the description; nil if it is not known. Two errors with one number are equal.
  package let call: String?

  /// Creates an error from its number.
  public init(_ number: Int32) { self.init(number, of: nil) }

  package init(_ number: Int32, of call: String?) {
    self.number = number
    self.call = call
  }

  /// Compares the numbers.
  public static func == (left: Errno, right: Errno) -> Bool { left.number == right.number }

  /// Hashes the number.
  public func hash(into hasher: inout Hasher) { hasher.combine(number) }

  /// The error of the last failed call of this thread.
  package static var current: Errno { Errno(errno) }

  /// The name: `ENOENT`; `errno 4711` for a number without a name.
  public var name: String {
    clinux_errno_name(number).map { String(cString: $0) } ?? "errno \(number)"
  }

  /// The name and the text of strerror(3): `ENOENT (No such file or directory)`, after the call if that is known.
  public var description: String {
    (call.map { "\($0): " } ?? "") + "\(name) (\(String(cString: strerror(number))))"
  }
}
