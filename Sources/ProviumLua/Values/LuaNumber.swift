internal import Glibc

/// Numbers as Lua 5.4 writes them.
enum LuaNumber {
  /// `%.14g`, with `.0` where that looks like an integer.
  static func text(_ value: Double) -> String {
    if value.isNaN { return value.sign == .minus ? "-nan" : "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    var buffer = [CChar](repeating: 0, count: 64)
    let length = withVaList([value]) { vsnprintf(&buffer, buffer.count, "%.14g", $0) }
    let text = String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return text.allSatisfy { $0.isNumber || $0 == "-" } ? text + ".0" : text
  }
}

/// Names as Lua's grammar has them.
enum LuaName {
  static let keywords: Set<String> = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
    "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
  ]

  static func isStart(_ byte: UInt8) -> Bool {
    (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x5f
  }
  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  static func isIdentifier(_ text: String) -> Bool {
    guard let first = text.utf8.first, isStart(first), !keywords.contains(text) else { return false }
    return text.utf8.allSatisfy { isStart($0) || isDigit($0) }
  }
}
