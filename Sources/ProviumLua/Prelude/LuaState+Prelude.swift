extension LuaState {
  /// Runs a piece of Provium's own Lua, whose lines never appear in messages and tracebacks. The chunk gets a table
  /// of `natives`, and the functions in the table it returns are kept for `preludeFunction`.
  package func runPrelude(_ source: String, natives: KeyValuePairs<String, LuaNative> = [:])
    throws(LuaFailure)
  {
    var table = LuaTable()
    for (name, body) in natives { table[name] = .function(function(name, body)) }
    let results = try run(source, chunkName: "=[provium]", [.table(table)])
    for pair in results.first?.table?.pairs ?? [] {
      if let name = pair.key.text, case .function(let function) = pair.value {
        preludeFunctions[name] = function
      }
    }
    try noteGlobals()
  }

  /// Remembers which globals there are, for "did you mean".
  private func noteGlobals() throws(LuaFailure) {
    let names = "local names = {} for name in next, _G do names[#names + 1] = name end return names"
    let globals = try run(names, chunkName: "=[provium]").first?.table?.array ?? []
    host.raised.globalNames.formUnion(globals.compactMap(\.text))
  }

  /// A function that a prelude chunk gave back.
  package func preludeFunction(_ name: String) throws(LuaFailure) -> LuaFunction {
    guard let function = preludeFunctions[name] else { throw .closed }
    return function
  }

  func installPrelude() throws(LuaFailure) {
    try runPrelude(
      Prelude.library,
      natives: [
        "misuse": Self.misuse,
        "unknown": Self.unknownMember,
        "emit": { call in
          call.state.onPrint(try call.bytes(1, "text"))
          return []
        },
        "load_script": { call in try call.state.loadScript(call) },
        "execute": Self.execute,
        "open_program": Self.openProgram,
        "close_program": Self.closeProgram,
      ]
    )
    try runPrelude(Prelude.strings, natives: ["misuse": Self.misuse])
    try runPrelude(
      Prelude.assertions,
      natives: [
        "misuse": Self.misuse,
        "fail": { call in
          let message = String(decoding: try call.bytes(1, "message"), as: UTF8.self)
          throw LuaAssertion(message, isPositioned: call.arguments.last != .boolean(false))
        },
        "quote": { call in [.text(ByteText.quotedWithHex(try call.bytes(1, "text")))] },
        "excerpt": { call in [.text(TextDifference.excerpt(try call.bytes(1, "text")))] },
        "difference": { call in
          let difference = TextDifference.describe(
            expected: try call.bytes(1, "expected"),
            actual: try call.bytes(2, "actual")
          )
          return [difference.map(LuaValue.text) ?? .nil]
        },
      ]
    )
  }

  private static func misuse(_ call: LuaCall) throws -> [LuaValue] {
    throw LuaError.misuse(String(decoding: try call.bytes(1, "message"), as: UTF8.self))
  }

  private static func unknownMember(_ call: LuaCall) throws -> [LuaValue] {
    let library = try call.string(1, "library")
    let key = call.arguments.count > 1 ? call.arguments[1] : .nil
    let names = call.arguments.dropFirst(2).first?.table?.array.compactMap(\.text) ?? []
    throw LuaError.misuse(UnknownMember.message(key, of: library, names.sorted(), noun: "function"))
  }
}
