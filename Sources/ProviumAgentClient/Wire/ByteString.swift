import Glibc

/// Text as guests and Lua have it: bytes that are mostly, not always, UTF-8.
package struct ByteString: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  package let bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }
  package init(_ text: String) { bytes = [UInt8](text.utf8) }
  package init(stringLiteral text: String) { self.init(text) }

  package var count: Int { bytes.count }
  package var isEmpty: Bool { bytes.isEmpty }
  /// What is not UTF-8 becomes U+FFFD.
  package var description: String { String(decoding: bytes, as: UTF8.self) }

  /// Refuses a NUL, at which the guest's kernel would end the text.
  func checked(_ argument: String) throws -> ByteString {
    let hasNUL = bytes.withUnsafeBytes { $0.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false }
    if hasNUL { throw InvalidArgument(argument, "contains a NUL byte") }
    return self
  }
}
