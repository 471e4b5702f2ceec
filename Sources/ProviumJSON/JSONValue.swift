/// A JSON value (RFC 8259). Objects keep the order of their members, so that equal values have equal texts.
package enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  /// A whole number. It stays exact: seeds and sizes have 64 bits.
  case integer(Int64)
  /// A whole number that may be above `Int64.max`.
  case unsigned(UInt64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// One member of an object: a name and a value.
  package struct Member: Sendable, Hashable {
    package let key: String
    package let value: JSONValue
    package init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  /// An object with these members, in their order.
  package static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(members.map { Member($0, $1) })
  }
}

extension JSONValue {
  /// A member of an object; nil for an absent member, for `null`, and for a value that is not an object.
  package subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self, let member = members.first(where: { $0.key == key }),
      member.value != .null
    else { return nil }
    return member.value
  }

  /// The text of a string; nil for any other kind of value.
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The value of `true` and `false`; nil for any other kind of value.
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The elements of an array; nil for any other kind of value.
  package var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
  /// The members of an object; nil for any other kind of value.
  package var members: [Member]? { if case .object(let members) = self { members } else { nil } }
  /// The value of any number; nil for any other kind of value.
  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
  /// A whole number that fits an `Int`.
  package var int: Int? { whole() }
  /// A whole number that fits a `UInt64`.
  package var uint64: UInt64? { whole() }

  /// A whole number that fits `Result`; nil for any other value.
  func whole<Result: FixedWidthInteger>() -> Result? {
    switch self {
    case .integer(let value): Result(exactly: value)
    case .unsigned(let value): Result(exactly: value)
    default: nil
    }
  }
}

extension JSONValue {
  /// The same value with the members of all its objects in the order of their names.
  package var sorted: JSONValue {
    switch self {
    case .array(let values): .array(values.map(\.sorted))
    case .object(let members):
      .object(members.sorted { $0.key < $1.key }.map { Member($0.key, $0.value.sorted) })
    default: self
    }
  }
}
