extension LuaState {
  /// A function of ours as a value. It is kept until the state closes.
  /// - Parameter name: as messages name it: `provium.create`.
  package func function(_ name: String, _ body: @escaping LuaNative) -> LuaFunction {
    host.function(native: host.register(name, body))
  }

  /// Makes `body` the global function `name`.
  package func register(global name: String, _ body: @escaping LuaNative) throws(LuaFailure) {
    try setGlobal(name, .function(function(name, body)))
  }

  /// Makes a global table of functions and values. Reading a name it does not have raises, with the nearest name it has.
  package func register(
    library name: String,
    functions: KeyValuePairs<String, LuaNative>,
    values: [String: LuaValue] = [:]
  ) throws(LuaFailure) {
    var table = LuaTable()
    for (member, body) in functions { table[member] = .function(function("\(name).\(member)", body)) }
    for (member, value) in values { table[member] = value }
    host.failures.globalNames.insert(name)
    _ = try call(preludeFunction("library"), [.text(name), .table(table)])
  }
}
