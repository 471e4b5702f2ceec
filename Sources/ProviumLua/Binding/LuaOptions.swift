import ProviumSystem

/// A table of named options, decoded key by key: `try options["timeout"]?.duration() ?? standard`.
package struct LuaOptions {
  let callee: String
  /// The argument or option that this table is, `option 'files'['/etc/motd']`; nil for the options of the
  /// call itself.
  let owner: String?
  package let table: LuaTable

  init(callee: String, owner: String? = nil, table: LuaTable) {
    self.callee = callee
    self.owner = owner
    self.table = table
  }

  /// The option, to be decoded; nil if it is not given.
  package subscript(name: String) -> LuaArgument? {
    let value = table[name]
    guard !value.isNil else { return nil }
    let label = owner.map { "\($0)['\(name)']" } ?? "option '\(name)'"
    return LuaArgument(callee: callee, label: label, value: value, isGiven: true)
  }

  func check(known: [String]) throws {
    for entry in table.entries {
      if let name = entry.key.text, known.contains(name) { continue }
      let name = entry.key.text ?? entry.key.described()
      let hint = NearestName.hint(for: name, among: known)
      throw LuaError.misuse(
        "\(callee): \(owner.map { "\($0) has an " } ?? "")unknown option '\(name)'\(hint); known: \(known.joined(separator: ", "))"
      )
    }
  }
}

extension LuaArgument {
  /// Decodes a table of named options. Unknown keys are errors. Messages name the options as parts of this
  /// argument.
  package func options(known: [String]) throws -> LuaOptions { try options(known: known, owner: label) }

  func options(known: [String], owner: String?) throws -> LuaOptions {
    guard case .table(let table) = value else { throw expected("a table of options") }
    let options = LuaOptions(callee: callee, owner: owner, table: table)
    try options.check(known: known)
    return options
  }
}
