/// An argument of a system call: a number, or memory that the argument points to.
///
/// Integer and string literals are arguments. A string is passed with a terminating NUL.
///
/// ```swift
/// let path = "/etc/passwd"
/// let file = try await vm.syscall.openat(-100, .string(path), 0)
/// let piece = try await vm.syscall.read(.value(file.value), .room(64), 64)
/// #expect(piece.buffers[0].starts(with: Array("root".utf8)))
/// ```
public struct SystemCallArgument: Sendable, Hashable, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral
{
  enum Kind: Sendable, Hashable {
    case value(Int64)
    case buffer([UInt8])
  }
  let kind: Kind

  private init(_ kind: Kind) { self.kind = kind }

  /// The argument in the message of an error: `-100`, `"/etc/passwd"`, `64 bytes`.
  var text: String {
    switch kind {
    case .value(let value): return "\(value)"
    case .buffer(let bytes):
      // A path or a name, as `.string` makes it.
      if bytes.last == 0, bytes.count <= 128, bytes.dropLast().allSatisfy({ (0x20...0x7e).contains($0) }) {
        return "\"\(String(decoding: bytes.dropLast(), as: UTF8.self))\""
      }
      return "\(bytes.count) bytes"
    }
  }

  /// Creates an argument that is a number.
  /// - Parameter value: the number.
  public init(integerLiteral value: Int64) { self.init(.value(value)) }

  /// Creates an argument that points to a text.
  /// - Parameter value: the text. The memory has its bytes in UTF-8 and a terminating NUL.
  public init(stringLiteral value: String) { self.init(.buffer(Array(value.utf8) + [0])) }

  /// A number.
  /// - Parameter value: any integer. Values of fewer than 64 bits are sign-extended, as C does it for a
  ///   `long`.
  public static func value(_ value: some BinaryInteger) -> SystemCallArgument {
    SystemCallArgument(.value(Int64(truncatingIfNeeded: value)))
  }

  /// A pointer to a text.
  /// - Parameter text: the memory has its bytes in UTF-8 and a terminating NUL.
  public static func string(_ text: String) -> SystemCallArgument { SystemCallArgument(stringLiteral: text) }

  /// A pointer to memory that the kernel reads or writes. ``SystemCallResult/buffers`` has the memory after
  /// the call.
  /// - Parameter bytes: the memory before the call; at most 8 MiB.
  public static func bytes(_ bytes: [UInt8]) -> SystemCallArgument { SystemCallArgument(.buffer(bytes)) }

  /// A pointer to zeroed memory for what the kernel writes. ``SystemCallResult/buffers`` has the memory after
  /// the call.
  /// - Parameter count: its size in bytes; at most 8 MiB.
  public static func room(_ count: Int) -> SystemCallArgument {
    .bytes([UInt8](repeating: 0, count: max(0, count)))
  }
}
