/// Writes JSON values as UTF-8.
///
/// Beyond the demands of RFC 8259, strings escape the characters that act on terminals (DEL, C1) or end a
/// line for some readers (U+2028, U+2029): one value is always one harmless line.
struct JSONWriter {
  private(set) var bytes: [UInt8] = []
  /// Spaces of one level of nesting; nil writes everything on one line.
  private let indentation: Int?

  init(indentation: Int? = nil) { self.indentation = indentation }

  mutating func write(_ value: JSONValue, depth: Int = 0) {
    switch value {
    case .null: write("null")
    case .bool(let value): write(value ? "true" : "false")
    case .integer(let value): write("\(value)")
    case .unsigned(let value): write("\(value)")
    case .number(let value) where !value.isFinite: write("null")
    case .number(let value) where value == value.rounded() && abs(value) < 1e15: write("\(Int64(value))")
    case .number(let value): write("\(value)")
    case .string(let value): writeString(value)
    case .array(let values):
      list("[", "]", values, depth) { writer, value in writer.write(value, depth: depth + 1) }
    case .object(let members):
      list("{", "}", members, depth) { writer, member in
        writer.writeString(member.key)
        writer.write(writer.indentation == nil ? ":" : ": ")
        writer.write(member.value, depth: depth + 1)
      }
    }
  }

  private mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func list<Element>(
    _ start: String,
    _ end: String,
    _ elements: [Element],
    _ depth: Int,
    write element: (inout JSONWriter, Element) -> Void
  ) {
    write(start)
    for (index, next) in elements.enumerated() {
      if index > 0 { write(",") }
      newLine(depth + 1)
      element(&self, next)
    }
    if !elements.isEmpty { newLine(depth) }
    write(end)
  }

  private mutating func newLine(_ depth: Int) {
    guard let indentation else { return }
    bytes.append(0x0A)
    bytes.append(contentsOf: repeatElement(0x20, count: depth * indentation))
  }

  // MARK: Strings

  private mutating func writeString(_ string: String) {
    bytes.append(UInt8(ascii: "\""))
    var string = string
    string.withUTF8 { text in
      var start = 0
      var position = 0
      while position < text.count {
        guard let (length, escape) = Self.escape(text, position) else {
          position += 1
          continue
        }
        bytes.append(contentsOf: text[start..<position])
        write(escape)
        position += length
        start = position
      }
      bytes.append(contentsOf: text[start...])
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// The escape of the character that begins at `position`, and its length in UTF-8; nil when it needs none.
  private static func escape(_ text: UnsafeBufferPointer<UInt8>, _ position: Int) -> (
    length: Int, escape: String
  )? {
    switch text[position] {
    case UInt8(ascii: "\""): (1, "\\\"")
    case UInt8(ascii: "\\"): (1, "\\\\")
    case 0x0A: (1, "\\n")
    case 0x09: (1, "\\t")
    case 0x0D: (1, "\\r")
    case 0x00..<0x20, 0x7F: (1, unicode(UInt16(text[position])))
    // C1: U+0080 to U+009F.
    case 0xC2 where text[position + 1] < 0xA0: (2, unicode(UInt16(text[position + 1])))
    // U+2028 and U+2029.
    case 0xE2 where text[position + 1] == 0x80 && text[position + 2] & 0xFE == 0xA8:
      (3, unicode(0x2000 | UInt16(text[position + 2] & 0x3F)))
    default: nil
    }
  }

  private static func unicode(_ scalar: UInt16) -> String {
    let hex = String(scalar, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
  }
}

extension JSONValue {
  /// The value on one line, as UTF-8. A number that JSON cannot express (infinity, NaN) is `null`.
  package var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.write(self)
    return writer.bytes
  }

  /// The value on one line. A number that JSON cannot express (infinity, NaN) is `null`.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The value with one member or element a line, for people. Levels are indented by two spaces.
  package var indentedText: String {
    var writer = JSONWriter(indentation: 2)
    writer.write(self)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}
