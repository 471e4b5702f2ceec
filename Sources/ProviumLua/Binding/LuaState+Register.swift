/// A function of ours that Lua may call.
package typealias LuaNative = (LuaCall) throws -> [LuaValue]

extension LuaState {
  /// Makes a Lua function of a Swift one. It is kept until the state closes.
  /// - Parameter name: its name in messages: `provium.create`.
  package func function(_ name: String, _ body: @escaping LuaNative) -> LuaFunction {
    let number = host.register(name) { [unowned self] arguments in
      try body(LuaCall(state: self, name: name, arguments: arguments))
    }
    return host.handles.function(native: number)
  }

  /// Makes `body` the global function `name`.
  package func register(global name: String, _ body: @escaping LuaNative) throws(LuaFailure) {
    try setGlobal(name, .function(function(name, body)))
  }

  /// Makes a global table of functions and values. Reading an unknown name from it raises an error with the
  /// nearest name.
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
