import ProviumSystem

/// A table of named options, decoded key by key: `try options["timeout"]?.duration() ?? standard`.
package struct LuaOptions {
  let callee: String
  package let table: LuaTable

  init(callee: String, table: LuaTable) {
    self.callee = callee
    self.table = table
  }

  /// The option to be decoded; nil when it is not given.
  package subscript(name: String) -> LuaArgument? {
    let value = table[name]
    guard !value.isNil else { return nil }
    return LuaArgument(callee: callee, label: "option '\(name)'", value: value, isGiven: true)
  }

  func check(known: [String]) throws {
    for entry in table.entries {
      if let name = entry.key.text, known.contains(name) { continue }
      let name = entry.key.text ?? entry.key.described()
      let hint = NearestName.hint(for: name, among: known)
      throw LuaError.misuse(
        "\(callee): unknown option '\(name)'\(hint); known: \(known.joined(separator: ", "))"
      )
    }
  }
}
