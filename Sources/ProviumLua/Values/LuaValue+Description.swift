import ProviumSystem

extension LuaValue {
  /// The value in a message about an argument: `nil`, `number 1.5`, `string "abc"`, `table`, `vm`.
  package var given: String {
    switch self {
    case .boolean, .integer, .number, .string: "\(typeName) \(described(depth: 0))"
    default: typeName
    }
  }

  /// Lua's name of the type; of an object its own type's name.
  package var typeName: String {
    switch self {
    case .nil: "nil"
    case .boolean: "boolean"
    case .integer, .number: "number"
    case .string: "string"
    case .table: "table"
    case .function: "function"
    case .object(let object): object.kind.name
    case .null: "null"
    case .opaque(let name): name
    }
  }

  /// The value as a script would write it, clipped: long strings and tables end in `…`.
  package func described(depth: Int = 3) -> String {
    switch self {
    case .nil: return "nil"
    case .boolean(let value): return "\(value)"
    case .integer(let value): return "\(value)"
    case .number(let value): return LuaNumber.text(value)
    case .string(let bytes): return ByteText.quoted(bytes, limit: 80)
    case .table(let table): return depth == 0 ? "{…}" : table.described(depth: depth - 1)
    case .function, .object, .null, .opaque: return typeName
    }
  }

  /// The bytes of a string, or of a number as Lua converts it; nil for other values.
  package var coercedBytes: [UInt8]? {
    switch self {
    case .string(let bytes): bytes
    case .integer(let value): Array("\(value)".utf8)
    case .number(let value): Array(LuaNumber.text(value).utf8)
    default: nil
    }
  }
}

extension LuaTable {
  fileprivate func described(depth: Int) -> String {
    var parts = array.prefix(16).map { $0.described(depth: depth) }
    for pair in pairs.prefix(16) {
      let key: String
      if let name = pair.key.text, LuaName.isIdentifier(name) {
        key = name
      } else {
        key = "[\(pair.key.described(depth: 0))]"
      }
      parts.append("\(key) = \(pair.value.described(depth: depth))")
    }
    if array.count > 16 || pairs.count > 16 { parts.append("…") }
    return "{\(parts.joined(separator: ", "))}"
  }
}
