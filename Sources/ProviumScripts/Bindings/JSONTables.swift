import ProviumJSON
import ProviumLua

/// Turns JSON into Lua values: `null` becomes `provium.null`, and empty arrays remain arrays.
enum JSONTables {
  /// - Throws: `JSONParser.Fault`.
  static func parse(_ bytes: [UInt8]) throws(JSONParser.Fault) -> LuaValue {
    value(try JSONParser.parse(bytes))
  }

  private static func value(_ json: JSONValue) -> LuaValue {
    switch json {
    case .null: .null
    case .bool(let value): .boolean(value)
    case .integer(let value): .integer(value)
    // The 64 bits, as `provium.unpack("u64", …)` gives them: a float cannot hold every such number.
    case .unsigned(let value): .integer(Int64(bitPattern: value))
    case .number(let value): .number(value)
    case .string(let value): .text(value)
    case .array(let elements): .list(elements.map(value))
    case .object(let members):
      .table(LuaTable(pairs: members.map { .init(key: .text($0.key), value: value($0.value)) }))
    }
  }

  /// Returns the part of the line around a syntax error.
  static func excerpt(_ bytes: [UInt8], around fault: JSONParser.Fault) -> String {
    let lines = bytes.split(separator: 0x0a, maxSplits: fault.line, omittingEmptySubsequences: false)
    guard fault.line <= lines.count else { return "" }
    let line = lines[fault.line - 1]
    let reach = 40
    let part = line.dropFirst(max(0, fault.column - 1 - reach)).prefix(2 * reach)
    let before = part.startIndex > line.startIndex ? "…" : "",
      after = part.endIndex < line.endIndex ? "…" : ""
    return before + ByteText.quoted(Array(part)) + after
  }
}
