/// The names of Lua's grammar.
package enum LuaName {
  package static let keywords: Set<String> = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
    "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
  ]

  package static func isStart(_ byte: UInt8) -> Bool {
    (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x5f
  }
  package static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  package static func isIdentifier(_ text: String) -> Bool {
    guard let first = text.utf8.first, isStart(first), !keywords.contains(text) else { return false }
    return text.utf8.allSatisfy { isStart($0) || isDigit($0) }
  }
}
