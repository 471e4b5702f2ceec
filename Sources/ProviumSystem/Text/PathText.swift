@_spi(_Unicode) import Swift

/// File paths as Swift strings.
///
/// To a file system, a path is a sequence of bytes. Swift strings hold only valid UTF-8, and two strings are
/// equal when they are canonically equivalent: `é` as one character equals `é` as a letter and an accent. As
/// plain strings, two different files could become one, and a name that is not UTF-8 could not be opened.
///
/// In the strings of `PathText`, the character U+10FF00 + B represents the byte B. This form is used for
/// bytes that are not UTF-8, and for characters that are not in Unicode normal form NFC. So two such strings
/// are equal exactly when their bytes are equal, in every comparison, set and dictionary. `HarmlessText`
/// shows the bytes as `\xcc`.
package enum PathText {
  /// Returns the string of a path's bytes.
  package static func string(of bytes: some Collection<UInt8>) -> String {
    // Nearly all paths.
    if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes, as: UTF8.self) }
    return bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .map { component(Array($0)) }.joined(separator: "/")
  }

  /// Returns the bytes of a path's string. Strings that were made otherwise have the bytes of their UTF-8.
  package static func bytes(of path: String) -> [UInt8] {
    // The escapes begin with this byte in UTF-8.
    guard path.utf8.contains(0xF4) else { return Array(path.utf8) }
    var bytes: [UInt8] = []
    for scalar in path.unicodeScalars {
      if let byte = byte(of: scalar) {
        bytes.append(byte)
      } else {
        bytes.append(contentsOf: String(scalar).utf8)
      }
    }
    return bytes
  }

  /// Returns the string of the same path in the form of `string(of:)`. Idempotent.
  package static func canonical(_ path: String) -> String { string(of: bytes(of: path)) }

  /// Returns the path as text for other programs: as it is in UTF-8, with escapes only for bytes that are not
  /// UTF-8. `canonical` reverses it.
  package static func plain(_ path: String) -> String {
    guard path.utf8.contains(0xF4) else { return path }
    var rest = bytes(of: path)[...]
    var result = ""
    while !rest.isEmpty {
      let valid = validPrefix(of: rest)
      result += String(decoding: rest[..<valid], as: UTF8.self)
      let invalid = rest[valid...].prefix(1)
      escape(invalid, in: &result)
      rest = rest[(valid + invalid.count)...]
    }
    return result
  }

  /// Returns the byte that a character represents; nil for any other character.
  package static func byte(of scalar: Unicode.Scalar) -> UInt8? {
    (0x10FF80...0x10FFFF).contains(scalar.value) ? UInt8(scalar.value & 0xFF) : nil
  }

  // MARK: Pieces

  /// Returns the string of the bytes between two slashes.
  private static func component(_ bytes: [UInt8]) -> String {
    var result = ""
    var rest = bytes[...]
    while !rest.isEmpty {
      let valid = validPrefix(of: rest)
      for character in String(decoding: rest[..<valid], as: UTF8.self) {
        if isPlain(String(character)) {
          result.append(character)
        } else {
          escape(String(character).utf8, in: &result)
        }
      }
      let invalid = rest[valid...].prefix(1)
      escape(invalid, in: &result)
      rest = rest[(valid + invalid.count)...]
    }
    // A mark at the beginning, or some letters at the end, form one character with the slash beside them.
    let around = "/\(result)/"
    if isPlain(around), around.first == "/", around.last == "/" { return result }
    var escaped = ""
    escape(bytes, in: &escaped)
    return escaped
  }

  private static func escape(_ bytes: some Sequence<UInt8>, in text: inout String) {
    for byte in bytes {
      if let scalar = byte < 0x80 ? Unicode.Scalar(UInt32(byte)) : Unicode.Scalar(0x10FF00 | UInt32(byte)) {
        text.unicodeScalars.append(scalar)
      }
    }
  }

  /// The end of the longest prefix that is UTF-8 and has none of the characters that represent bytes.
  private static func validPrefix(of bytes: ArraySlice<UInt8>) -> Int {
    var position = bytes.startIndex
    while position < bytes.endIndex {
      let length =
        switch bytes[position] {
        case ..<0x80: 1
        case 0xC2..<0xE0: 2
        case 0xE0..<0xF0: 3
        case 0xF0..<0xF5: 4
        default: 0
        }
      guard length > 0, bytes.endIndex - position >= length,
        let scalar = String(validating: bytes[position..<position + length], as: UTF8.self)?.unicodeScalars
          .first,
        byte(of: scalar) == nil
      else { return position }
      position += length
    }
    return position
  }

  /// Whether text is in normal form NFC.
  private static func isPlain(_ text: String) -> Bool {
    // The standard library normalizes text for its comparisons, and offers the result to Foundation only.
    text._nfc.elementsEqual(text.unicodeScalars)
  }
}

extension String {
  /// The path as a C string, for system calls.
  package var cPath: [CChar] { PathText.bytes(of: self).map { CChar(bitPattern: $0) } + [0] }
}
