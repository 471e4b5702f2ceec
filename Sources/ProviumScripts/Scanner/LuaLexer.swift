import ProviumLua

/// Splits Lua 5.4 source into tokens (reference manual, section 3.1). Runs nothing.
struct LuaLexer {
  private let bytes: [UInt8]
  private var position = 0
  private var line = 1
  private var lineStart = 0

  init(_ source: [UInt8]) {
    bytes = source
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
    if at(position) == UInt8(ascii: "#") { skipLine() }
  }

  /// All tokens, the last of which is `.end`; up to the first error, if there is one.
  static func tokens(of source: [UInt8]) -> ([LuaToken], LuaSyntaxError?) {
    var lexer = LuaLexer(source)
    var tokens: [LuaToken] = []
    do {
      while true {
        let token = try lexer.next()
        tokens.append(token)
        if token.kind == .end { return (tokens, nil) }
      }
    } catch {
      tokens.append(LuaToken(kind: .end, line: lexer.line, column: 1))
      return (tokens, error)
    }
  }

  mutating func next() throws(LuaSyntaxError) -> LuaToken {
    try skipBlanks()
    let start = (line, position - lineStart + 1)
    let kind = try nextKind()
    return LuaToken(kind: kind, line: start.0, column: start.1)
  }

  private mutating func nextKind() throws(LuaSyntaxError) -> LuaToken.Kind {
    guard let byte = at(position) else { return .end }
    if LuaName.isStart(byte) { return word() }
    if LuaName.isDigit(byte) || (byte == UInt8(ascii: ".") && at(position + 1).map(LuaName.isDigit) == true) {
      return number()
    }
    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return .string(try shortString(byte)) }
    if byte == UInt8(ascii: "["), let level = longBracketLevel() { return .string(try longString(level)) }
    return .symbol(symbol())
  }

  private func at(_ index: Int) -> UInt8? { index < bytes.count ? bytes[index] : nil }

  private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  // MARK: Blanks

  private mutating func skipBlanks() throws(LuaSyntaxError) {
    while let byte = at(position) {
      if byte == UInt8(ascii: "-"), at(position + 1) == byte {
        position += 2
        if at(position) == UInt8(ascii: "["), let level = longBracketLevel() {
          _ = try longString(level)
        } else {
          skipLine()
        }
      } else if Self.isNewline(byte) {
        newline()
      } else if [0x20, 0x09, 0x0b, 0x0c].contains(byte) {
        position += 1
      } else {
        return
      }
    }
  }

  private mutating func skipLine() {
    while let byte = at(position), !Self.isNewline(byte) { position += 1 }
  }

  private static func isNewline(_ byte: UInt8) -> Bool { byte == 0x0a || byte == 0x0d }

  /// Skips a line end: `\n`, `\r`, `\r\n` or `\n\r`.
  private mutating func newline() {
    let first = bytes[position]
    position += 1
    if let second = at(position), Self.isNewline(second), second != first { position += 1 }
    line += 1
    lineStart = position
  }

  // MARK: Words, numbers, symbols

  private mutating func word() -> LuaToken.Kind {
    let start = position
    while let byte = at(position), LuaName.isStart(byte) || LuaName.isDigit(byte) { position += 1 }
    let text = text(start..<position)
    return LuaName.keywords.contains(text) ? .keyword(text) : .name(text)
  }

  private mutating func number() -> LuaToken.Kind {
    let start = position
    let isHex = at(position) == UInt8(ascii: "0") && [0x78, 0x58].contains(at(position + 1))
    let exponents: [UInt8] = isHex ? [0x70, 0x50] : [0x65, 0x45]
    while let byte = at(position) {
      if exponents.contains(byte), let sign = at(position + 1), sign == 0x2b || sign == 0x2d {
        position += 2
      } else if LuaName.isStart(byte) || LuaName.isDigit(byte) || byte == UInt8(ascii: ".") {
        position += 1
      } else {
        break
      }
    }
    return .number(text(start..<position))
  }

  /// Reads `...`, `..`, `==`, `~=`, `<=`, `>=`, `//`, `::`, `<<` or `>>`, else one byte.
  private mutating func symbol() -> String {
    let first = bytes[position], second = at(position + 1)
    var length = 1
    switch (first, second) {
    case (UInt8(ascii: "."), UInt8(ascii: ".")): length = at(position + 2) == UInt8(ascii: ".") ? 3 : 2
    case (UInt8(ascii: "="), UInt8(ascii: "=")), (UInt8(ascii: "~"), UInt8(ascii: "=")),
      (UInt8(ascii: "<"), UInt8(ascii: "=")), (UInt8(ascii: ">"), UInt8(ascii: "=")),
      (UInt8(ascii: "/"), UInt8(ascii: "/")), (UInt8(ascii: ":"), UInt8(ascii: ":")),
      (UInt8(ascii: "<"), UInt8(ascii: "<")), (UInt8(ascii: ">"), UInt8(ascii: ">")):
      length = 2
    default: break
    }
    defer { position += length }
    return text(position..<position + length)
  }

  // MARK: Strings

  private func error(_ message: String) -> LuaSyntaxError { LuaSyntaxError(line: line, message: message) }

  /// The number of `=` in the long bracket `[==[` at this position; nil if there is none.
  private func longBracketLevel() -> Int? {
    var index = position + 1
    while at(index) == UInt8(ascii: "=") { index += 1 }
    return at(index) == UInt8(ascii: "[") ? index - position - 1 : nil
  }

  private mutating func longString(_ level: Int) throws(LuaSyntaxError) -> [UInt8] {
    let begun = line
    position += level + 2
    if let byte = at(position), Self.isNewline(byte) { newline() }
    let closing =
      [UInt8(ascii: "]")] + Array(repeating: UInt8(ascii: "="), count: level) + [UInt8(ascii: "]")]
    var value: [UInt8] = []
    while let byte = at(position) {
      if byte == UInt8(ascii: "]"), bytes[position...].starts(with: closing) {
        position += closing.count
        return value
      }
      if Self.isNewline(byte) {
        newline()
        value.append(0x0a)
      } else {
        value.append(byte)
        position += 1
      }
    }
    throw error("unfinished long string or comment (begun in line \(begun))")
  }

  private mutating func shortString(_ quote: UInt8) throws(LuaSyntaxError) -> [UInt8] {
    position += 1
    var value: [UInt8] = []
    while let byte = at(position), !Self.isNewline(byte) {
      position += 1
      if byte == quote { return value }
      if byte == UInt8(ascii: "\\") {
        value += try escape()
      } else {
        value.append(byte)
      }
    }
    throw error("unfinished string")
  }

  private static let plainEscapes: [UInt8: UInt8] = [
    UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10,
    UInt8(ascii: "r"): 13,
    UInt8(ascii: "t"): 9, UInt8(ascii: "v"): 11, UInt8(ascii: "\\"): 0x5c, UInt8(ascii: "\""): 0x22,
    UInt8(ascii: "'"): 0x27,
  ]

  /// Reads the part of an escape after the backslash.
  private mutating func escape() throws(LuaSyntaxError) -> [UInt8] {
    guard let byte = at(position) else { throw error("unfinished string") }
    if let plain = Self.plainEscapes[byte] {
      position += 1
      return [plain]
    }
    if Self.isNewline(byte) {
      newline()
      return [0x0a]
    }
    if LuaName.isDigit(byte) { return [try decimalEscape()] }
    position += 1
    switch byte {
    case UInt8(ascii: "x"):
      guard let value = UInt8(text(position..<min(position + 2, bytes.count)), radix: 16) else {
        throw error("hexadecimal digit expected")
      }
      position += 2
      return [value]
    case UInt8(ascii: "u"): return try unicodeEscape()
    case UInt8(ascii: "z"):
      while let blank = at(position), [0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d].contains(blank) {
        if Self.isNewline(blank) { newline() } else { position += 1 }
      }
      return []
    default: throw error("invalid escape sequence")
    }
  }

  private mutating func decimalEscape() throws(LuaSyntaxError) -> UInt8 {
    let start = position
    while position < start + 3, at(position).map(LuaName.isDigit) == true { position += 1 }
    guard let value = UInt8(text(start..<position)) else { throw error("decimal escape too large") }
    return value
  }

  /// Reads `\u{XXX}`, up to 2^31 as in Lua, and encodes it in UTF-8's original form of up to six bytes.
  private mutating func unicodeEscape() throws(LuaSyntaxError) -> [UInt8] {
    guard at(position) == UInt8(ascii: "{"),
      let close = bytes[position...].prefix(20).firstIndex(of: UInt8(ascii: "}")),
      var value = UInt32(text(position + 1..<close), radix: 16), value < 1 << 31
    else { throw error("invalid \\u escape") }
    position = close + 1
    if value < 0x80 { return [UInt8(value)] }
    var tail: [UInt8] = []
    var limit: UInt32 = 0x3f
    while value > limit {
      tail.insert(UInt8(0x80 | (value & 0x3f)), at: 0)
      value >>= 6
      limit >>= 1
    }
    return [UInt8(truncatingIfNeeded: (~limit << 1) | value)] + tail
  }
}
