/// File paths as strings, without loss. A path is a row of bytes; a `String` holds only valid UTF-8.
///
/// A byte that is not part of valid UTF-8 becomes the private character U+10FE00 plus its value. Those characters themselves, in
/// a path, become four such characters, so that `encode` always returns the bytes that `decode` read.
package enum PathText {
  private static let base: UInt32 = 0x10FE00
  /// The characters that stand for bytes from 0x80 to 0xFF.
  private static let escapes = (base + 0x80)...(base + 0xFF)

  /// Reads a path from the system.
  package static func decode(_ bytes: some Collection<UInt8>) -> String {
    let text = String(validating: bytes, as: UTF8.self)
    if let text, !hasEscapes(text) { return text }
    var result = String.UnicodeScalarView()
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let scalar = (1...4).lazy.compactMap { length -> Unicode.Scalar? in
        guard let text = String(validating: rest.prefix(length), as: UTF8.self) else { return nil }
        return text.unicodeScalars.first
      }
      .first
      if let scalar, !escapes.contains(scalar.value) {
        result.append(scalar)
        rest.removeFirst(UTF8.width(scalar))
      } else {
        append(rest.removeFirst(), to: &result)
      }
    }
    return String(result)
  }

  /// The arguments of the process, without its name.
  package static var arguments: [String] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { CommandLine.unsafeArgv[$0].map { decode($0) } }
  }

  /// Reads a path that ends with a zero byte.
  package static func decode(_ path: UnsafePointer<CChar>) -> String {
    var length = 0
    while path[length] != 0 { length += 1 }
    return path.withMemoryRebound(to: UInt8.self, capacity: length) {
      decode(UnsafeBufferPointer(start: $0, count: length))
    }
  }

  private static func append(_ byte: UInt8, to text: inout String.UnicodeScalarView) {
    // Valid UTF-8 holds every byte below 0x80, so only the upper half needs an escape.
    if let scalar = Unicode.Scalar(byte < 0x80 ? UInt32(byte) : base + UInt32(byte)) { text.append(scalar) }
  }

  private static func hasEscapes(_ text: String) -> Bool {
    text.utf8.contains(0xF4) && text.unicodeScalars.contains { escapes.contains($0.value) }
  }

  /// Returns the bytes of a path, without a zero byte at the end.
  package static func encode(_ path: String) -> [UInt8] {
    guard hasEscapes(path) else { return Array(path.utf8) }
    return path.unicodeScalars.flatMap { scalar in
      escapes.contains(scalar.value) ? [UInt8(scalar.value - base)] : Array(String(scalar).utf8)
    }
  }

  /// Calls `body` with the bytes of a path and a zero byte at the end.
  package static func withCString<Result>(
    _ path: String,
    _ body: (UnsafePointer<CChar>) throws -> Result
  ) rethrows -> Result {
    guard hasEscapes(path) else { return try path.withCString(body) }
    // The array is never empty, so it has an address.
    return try (encode(path) + [0]).withUnsafeBufferPointer { bytes in
      try bytes.withMemoryRebound(to: CChar.self) { try body($0.baseAddress.unsafelyUnwrapped) }
    }
  }

  /// Returns a path as messages and reports show it: a byte that is not part of valid UTF-8 as `\xFF`. The backslashes of such a
  /// path are doubled, so that different paths stay different.
  package static func visible(_ path: String) -> String {
    guard hasEscapes(path) else { return path }
    var result = ""
    for scalar in path.unicodeScalars {
      switch scalar.value {
      case escapes: result += "\\x" + String(scalar.value - base, radix: 16, uppercase: true)
      case 0x5C: result += "\\\\"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
