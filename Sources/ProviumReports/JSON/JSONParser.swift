/// Reads one JSON value from bytes, strictly by RFC 8259, to a bounded depth.
struct JSONParser {
  /// What is wrong, and at which byte from 1.
  struct Fault: Error, CustomStringConvertible {
    let message: String
    let position: Int
    var description: String { "\(message) at byte \(position)" }
  }

  private let bytes: [UInt8]
  private var position = 0
  private static let deepest = 64

  static func parse(_ bytes: some Sequence<UInt8>) throws(Fault) -> JSONValue {
    var parser = JSONParser(bytes: Array(bytes))
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.position == parser.bytes.count else { throw parser.fault("something follows the value") }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func fault(_ message: String) -> Fault { Fault(message: message, position: position + 1) }
  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || (0x09...0x0A).contains(byte) || byte == 0x0D { position += 1 }
  }

  private mutating func take(_ byte: Character) -> Bool {
    guard next == byte.asciiValue else { return false }
    position += 1
    return true
  }

  private mutating func value(depth: Int) throws(Fault) -> JSONValue {
    guard depth < Self.deepest else { throw fault("nested too deeply") }
    skipSpace()
    switch next.map({ Character(Unicode.Scalar($0)) }) {
    case "{": return try object(depth: depth)
    case "[": return try array(depth: depth)
    case "\"": return .string(try string())
    case "t": return try word("true", .bool(true))
    case "f": return try word("false", .bool(false))
    case "n": return try word("null", .null)
    case "-", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9": return try number()
    case nil: throw fault("the text ends too early")
    default: throw fault("no JSON value")
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Fault) -> JSONValue {
    let expected = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
    guard bytes[position...].starts(with: expected) else { throw fault("no JSON value") }
    position += expected.count
    return value
  }

  private mutating func array(depth: Int) throws(Fault) -> JSONValue {
    position += 1
    var values: [JSONValue] = []
    skipSpace()
    if take("]") { return .array(values) }
    while true {
      values.append(try value(depth: depth + 1))
      skipSpace()
      if take("]") { return .array(values) }
      guard take(",") else { throw fault("expected , or ]") }
    }
  }

  private mutating func object(depth: Int) throws(Fault) -> JSONValue {
    position += 1
    var members: [JSONValue.Member] = []
    skipSpace()
    if take("}") { return .object(members) }
    while true {
      skipSpace()
      guard next == 0x22 else { throw fault("expected a name") }
      let key = try string()
      skipSpace()
      guard take(":") else { throw fault("expected :") }
      members.append(.init(key, try value(depth: depth + 1)))
      skipSpace()
      if take("}") { return .object(members) }
      guard take(",") else { throw fault("expected , or }") }
    }
  }

  private mutating func number() throws(Fault) -> JSONValue {
    let start = position
    let numeric = Array("+-.0123456789Ee".utf8)
    while let byte = next, numeric.contains(byte) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if let whole = Int64(text) { return .integer(whole) }
    if let whole = UInt64(text) { return .unsigned(whole) }
    guard let value = Double(text), value.isFinite else { throw fault("\(text) is no number") }
    return .number(value)
  }

  private mutating func string() throws(Fault) -> String {
    position += 1
    var result: [UInt8] = []
    while let byte = next {
      position += 1
      switch byte {
      case 0x22: return String(decoding: result, as: UTF8.self)
      case 0x5C: result.append(contentsOf: String(Character(try escape())).utf8)
      case ..<0x20: throw fault("a control character in a string")
      default: result.append(byte)
      }
    }
    throw fault("the text ends in a string")
  }

  private mutating func escape() throws(Fault) -> Unicode.Scalar {
    guard let byte = next else { throw fault("the text ends in a string") }
    position += 1
    switch Character(Unicode.Scalar(byte)) {
    case "\"": return "\""
    case "\\": return "\\"
    case "/": return "/"
    case "b": return "\u{08}"
    case "f": return "\u{0C}"
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "u": return try unicode()
    default: throw fault("an unknown escape")
    }
  }

  /// Four hexadecimal digits, or two such escapes that make one character; half a pair is U+FFFD.
  private mutating func unicode() throws(Fault) -> Unicode.Scalar {
    let first = try hex()
    guard (0xD800...0xDBFF).contains(first) else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
    let after = position
    guard take("\\"), take("u") else {
      position = after
      return "\u{FFFD}"
    }
    let second = try hex()
    guard (0xDC00...0xDFFF).contains(second) else {
      position = after
      return "\u{FFFD}"
    }
    return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? "\u{FFFD}"
  }

  private mutating func hex() throws(Fault) -> UInt32 {
    guard position + 4 <= bytes.count,
      let value = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw fault("expected four hexadecimal digits") }
    position += 4
    return value
  }
}
