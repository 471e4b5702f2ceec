import Glibc

/// Text of guests and scripts: bytes that are mostly, not always, UTF-8.
package struct ByteString: Hashable, Comparable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible
{
  package let bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }
  package init(_ text: String) { bytes = [UInt8](text.utf8) }
  package init(stringLiteral text: String) { self.init(text) }

  package var count: Int { bytes.count }
  package var isEmpty: Bool { bytes.isEmpty }
  /// The text; bytes that are not UTF-8 become U+FFFD.
  package var description: String { String(decoding: bytes, as: UTF8.self) }

  /// Compares by bytes.
  package static func < (left: ByteString, right: ByteString) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// Returns the text itself. Throws when it contains a NUL, at which the guest's kernel would end it.
  func checked(_ parameter: InvalidArgument.Parameter) throws -> ByteString {
    let hasNUL = bytes.withUnsafeBytes { $0.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false }
    if hasNUL { throw InvalidArgument(parameter, "contains a NUL byte") }
    return self
  }

  /// The beginning of the first line, for messages.
  var shortened: String {
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") }.prefix(60)
    return String(decoding: line, as: UTF8.self) + (line.count < bytes.count ? "..." : "")
  }
}
