/// Shows byte strings in messages.
package enum ByteText {
  /// The bytes in double quotes, escaped as in Lua. A string longer than `limit` bytes ends in `…` and its
  /// length.
  package static func quoted(_ bytes: [UInt8], limit: Int = .max) -> String {
    if bytes.count > limit {
      return "\(quoted(Array(bytes.prefix(limit))))… (\(bytes.count) bytes)"
    }
    var text = "\""
    var rest = bytes[...]
    while let byte = rest.first {
      if let escape = escapes[byte] {
        text += escape
      } else if byte >= 0x20, byte < 0x7f {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else if let character = leadingCharacter(of: rest) {
        text.unicodeScalars.append(character)
        rest = rest.dropFirst(UTF8.width(character))
        continue
      } else {
        text += "\\x" + hex(byte)
      }
      rest = rest.dropFirst()
    }
    return text + "\""
  }

  /// The bytes in quotes, with hex after them where a byte is not printable: `"a\x00b" [61 00 62]`.
  package static func quotedWithHex(_ bytes: [UInt8], limit: Int = 400) -> String {
    let text = quoted(bytes, limit: limit)
    return isPrintable(bytes) ? text : "\(text) [\(hex(bytes, limit: 32))]"
  }

  /// Whether the bytes are UTF-8 without control characters other than tab, line feed and carriage return.
  package static func isPrintable(_ bytes: [UInt8]) -> Bool {
    String(validating: bytes, as: UTF8.self)?.unicodeScalars.allSatisfy { scalar in
      switch scalar.value {
      case 9, 10, 13: true
      case 0..<0x20, 0x7f..<0xa0: false
      default: true
      }
    } ?? false
  }

  /// The bytes in hex, `61 00 62`. A string longer than `limit` bytes ends in `…`.
  package static func hex(_ bytes: [UInt8], limit: Int = .max) -> String {
    let text = bytes.prefix(limit).map(hex).joined(separator: " ")
    return bytes.count > limit ? text + " …" : text
  }

  private static let escapes: [UInt8: String] = [
    0x09: "\\t", 0x0a: "\\n", 0x0d: "\\r", 0x22: "\\\"", 0x5c: "\\\\",
  ]

  private static func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.count == 1 ? "0" + digits : digits
  }

  /// The printable non-ASCII character at the start of these bytes; nil if there is none.
  private static func leadingCharacter(of bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
    guard let first = bytes.first, first >= 0xc2 else { return nil }
    let width = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    guard let character = String(validating: bytes.prefix(width), as: UTF8.self)?.unicodeScalars.first,
      character.value >= 0xa0
    else { return nil }
    return character
  }
}
