/// A parser of one JSON text, strict by RFC 8259, with a bounded depth of nesting.
package struct JSONParser {
  /// A syntax error and its position.
  package struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
    package let message: String
    /// Counted from 1.
    package let line: Int
    /// Counted from 1, in bytes.
    package let column: Int
    package var description: String { "\(message) at line \(line), column \(column)" }
  }

  private let bytes: [UInt8]
  private var position = 0
  private static let maximumDepth = 256

  /// Parses a whole text.
  /// - Throws: `Fault` for text that is not JSON, a whole number that does not fit 64 bits, a number beyond
  ///   the range of a
  ///   double, and a string that is not UTF-8.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(Fault) -> JSONValue {
    var parser = JSONParser(bytes: Array(bytes))
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.next == nil else { throw parser.fault("something follows the value") }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func fault(_ message: String, at offset: Int? = nil) -> Fault {
    let before = bytes[..<(offset ?? position)]
    let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    return Fault(
      message: message,
      line: before.count { $0 == 0x0A } + 1,
      column: before.count - start + 1
    )
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func value(depth: Int) throws(Fault) -> JSONValue {
    guard depth < Self.maximumDepth else { throw fault("nested too deeply") }
    skipSpace()
    guard let byte = next else { throw fault("the text ends too early") }
    switch byte {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw fault("expected a value")
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Fault) -> JSONValue {
    let expected = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
    guard bytes[position...].starts(with: expected) else { throw fault("expected a value") }
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
      guard next == UInt8(ascii: "\"") else { throw fault("expected a name") }
      let key = try string()
      skipSpace()
      guard take(":") else { throw fault("expected :") }
      members.append(.init(key, try value(depth: depth + 1)))
      skipSpace()
      if take("}") { return .object(members) }
      guard take(",") else { throw fault("expected , or }") }
    }
  }

  // MARK: Numbers

  /// Reads a sign, `0` or digits that do not begin with `0`, an optional fraction and an optional exponent.
  private mutating func number() throws(Fault) -> JSONValue {
    let start = position
    _ = take("-")
    if !take("0") { try digits() }
    let isWhole = next != UInt8(ascii: ".") && next != UInt8(ascii: "e") && next != UInt8(ascii: "E")
    if take(".") { try digits() }
    if take("e") || take("E") {
      _ = take("+") || take("-")
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard isWhole else {
      guard let value = Double(text), value.isFinite else {
        throw fault("\(text) is beyond the range of numbers", at: start)
      }
      return .number(value)
    }
    if let whole = Int64(text) { return .integer(whole) }
    if let whole = UInt64(text) { return .unsigned(whole) }
    throw fault("\(text) does not fit 64 bits", at: start)
  }

  private mutating func digits() throws(Fault) {
    let start = position
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard position > start else { throw fault("expected a digit") }
  }

  // MARK: Strings

  private mutating func string() throws(Fault) -> String {
    let start = position
    position += 1
    var result: [UInt8] = []
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let text = String(validating: result, as: UTF8.self) else {
          throw fault("a string that is not UTF-8", at: start)
        }
        return text
      case UInt8(ascii: "\\"):
        position += 1
        result.append(contentsOf: String(Character(try escape())).utf8)
      case ..<0x20: throw fault("a control character in a string")
      default:
        let end = bytes[position...].firstIndex {
          $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\")
        }
        result.append(contentsOf: bytes[position..<(end ?? bytes.count)])
        position = end ?? bytes.count
      }
    }
    throw fault("the text ends in a string")
  }

  private mutating func escape() throws(Fault) -> Unicode.Scalar {
    guard let byte = next else { throw fault("the text ends in a string") }
    let scalar: Unicode.Scalar
    switch Unicode.Scalar(byte) {
    case "\"": scalar = "\""
    case "\\": scalar = "\\"
    case "/": scalar = "/"
    case "b": scalar = "\u{08}"
    case "f": scalar = "\u{0C}"
    case "n": scalar = "\n"
    case "r": scalar = "\r"
    case "t": scalar = "\t"
    case "u":
      position += 1
      return try unicode()
    default: throw fault("an unknown escape")
    }
    position += 1
    return scalar
  }

  /// Reads the digits of `\uXXXX`, and a second escape where the first is half of a surrogate pair. A half
  /// without its partner becomes U+FFFD.
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
    var value: UInt32 = 0
    for offset in 0..<4 {
      guard position + offset < bytes.count,
        let digit = Character(Unicode.Scalar(bytes[position + offset])).hexDigitValue
      else { throw fault("expected four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
    }
    position += 4
    return value
  }
}
