/// A Lua value, copied out of a state or on its way into one.
///
/// Strings are byte strings, with NULs and invalid UTF-8. Tables are copies. Functions and objects are
/// references and belong to the state they come from.
package enum LuaValue {
  case `nil`
  case boolean(Bool)
  case integer(Int64)
  case number(Double)
  case string([UInt8])
  case table(LuaTable)
  case function(LuaFunction)
  case object(LuaObject)
  /// The null of data such as JSON: `provium.null` in a script. Unlike `nil` it can be in a table.
  case null
  /// A value that has no use outside Lua, by its type's name: a `thread`, a `userdata` of a Lua library.
  case opaque(String)

  package static func text(_ text: String) -> LuaValue { .string(Array(text.utf8)) }

  package static func list(_ values: [LuaValue]) -> LuaValue { .table(LuaTable(array: values)) }

  package var isNil: Bool {
    if case .nil = self { true } else { false }
  }
  /// Whether `if` takes it for true: all values but `nil` and `false`.
  package var isTruthy: Bool {
    switch self {
    case .nil, .boolean(false): false
    default: true
    }
  }
  /// A string's text, for names and messages. Invalid UTF-8 becomes U+FFFD.
  package var text: String? {
    if case .string(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
  }
  /// An integer, or a float with an integral value.
  package var integer: Int64? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int64(exactly: value)
    default: nil
    }
  }
  package var table: LuaTable? {
    if case .table(let table) = self { table } else { nil }
  }
}

/// A copy of a Lua table: the elements 1…n, then the other entries in the order of Lua's `next`.
package struct LuaTable: Equatable {
  package struct Pair: Equatable {
    package var key: LuaValue
    package var value: LuaValue

    package init(key: LuaValue, value: LuaValue) {
      self.key = key
      self.value = value
    }
  }
  package var array: [LuaValue]
  package var pairs: [Pair]

  package init(array: [LuaValue] = [], pairs: [Pair] = []) {
    self.array = array
    self.pairs = pairs
  }

  /// The value of a string key; `nil` if there is none.
  package subscript(key: String) -> LuaValue {
    get { pairs.first { $0.key == .text(key) }?.value ?? .nil }
    set {
      pairs.removeAll { $0.key == .text(key) }
      if !newValue.isNil { pairs.append(Pair(key: .text(key), value: newValue)) }
    }
  }

  package var isEmpty: Bool { array.isEmpty && pairs.isEmpty }

  /// Every entry with its key, the elements 1…n first.
  package var entries: [Pair] {
    array.enumerated().map { Pair(key: .integer(Int64($0.offset) + 1), value: $0.element) } + pairs
  }

  package static func == (left: LuaTable, right: LuaTable) -> Bool {
    guard left.array == right.array, left.pairs.count == right.pairs.count else { return false }
    return left.pairs.allSatisfy { pair in right.pairs.contains(pair) }
  }
}

extension LuaValue: Equatable {
  /// Compares numbers as Lua does (`1 == 1.0`), tables by their contents, functions and objects by identity.
  package static func == (left: LuaValue, right: LuaValue) -> Bool {
    switch (left, right) {
    case (.nil, .nil), (.null, .null): true
    case (.boolean(let left), .boolean(let right)): left == right
    case (.integer(let left), .integer(let right)): left == right
    case (.number(let left), .number(let right)): left == right
    case (.integer(let whole), .number(let value)), (.number(let value), .integer(let whole)):
      Int64(exactly: value) == whole
    case (.string(let left), .string(let right)): left == right
    case (.table(let left), .table(let right)): left == right
    case (.function(let left), .function(let right)): left === right
    case (.object(let left), .object(let right)): left.instance === right.instance
    default: false
    }
  }
}

extension LuaValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(booleanLiteral value: Bool) { self = .boolean(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(stringLiteral value: String) { self = .text(value) }
  package init(arrayLiteral elements: LuaValue...) { self = .list(elements) }
  package init(dictionaryLiteral elements: (String, LuaValue)...) {
    self = .table(LuaTable(pairs: elements.map { LuaTable.Pair(key: .text($0), value: $1) }))
  }
}
