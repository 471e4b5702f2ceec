/// A JSON value (RFC 8259) whose objects keep the order of their members, so that lines read well and never change by
/// chance.
package enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  /// Whole numbers stay exact: seeds are 64 bits wide.
  case integer(Int64)
  case unsigned(UInt64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// A name and its value.
  package struct Member: Sendable, Hashable {
    /// Its name.
    package let key: String
    /// Its value.
    package let value: JSONValue
    /// `"key": value`.
    package init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  /// An object of these members, in their order.
  package static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(members.map { Member($0, $1) })
  }

  /// On one line. What JSON cannot say (infinity) is `null`.
  package var text: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += "\(value)"
    case .unsigned(let value): text += "\(value)"
    case .number(let value) where !value.isFinite: text += "null"
    case .number(let value) where value == value.rounded() && abs(value) < 1e15: text += "\(Int64(value))"
    case .number(let value): text += "\(value)"
    case .string(let value): Self.write(value, to: &text)
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        value.write(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += "," }
        Self.write(member.key, to: &text)
        text += ":"
        member.value.write(to: &text)
      }
      text += "}"
    }
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      // Beyond what RFC 8259 demands: DEL and C1 act on terminals, the separators end lines for some readers.
      case _
      where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
        || (0x2028...0x2029).contains(scalar.value):
        let hex = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

extension JSONValue {
  /// A member of an object; nil when there is none, or it is `null`.
  package subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self, let member = members.first(where: { $0.key == key }),
      member.value != .null
    else { return nil }
    return member.value
  }

  /// The text of a string; nil for another value. So are those below.
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  /// `true`, `false`.
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The elements of an array.
  package var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
  /// The members of an object.
  package var members: [Member]? { if case .object(let members) = self { members } else { nil } }
  /// Any number.
  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
  /// A whole number that fits.
  package var int: Int? { if case .integer(let value) = self { Int(exactly: value) } else { nil } }
  /// A whole number from 0.
  package var uint64: UInt64? {
    switch self {
    case .integer(let value): UInt64(exactly: value)
    case .unsigned(let value): value
    default: nil
    }
  }
}
