extension LuaState {
  /// Opens a state in which scripts can run.
  /// - Parameter memoryLimit: in bytes. Above it a script gets Lua's "not enough memory". 0: no limit.
  package convenience init(memoryLimit: Int = 2 << 30, interrupt: LuaInterrupt = LuaInterrupt())
    throws(LuaFailure)
  {
    try self.init(bareWith: memoryLimit, interrupt: interrupt)
    try define(LuaObjectType<RaisedSignal>(kind: host.signalKind) { "\($0.signal)" })
    try installPrelude()
  }

  /// Runs a piece of Provium's own Lua, whose lines never appear in messages and tracebacks. The chunk gets a
  /// table of `natives`. The functions in the table that it returns are kept for `preludeFunction`.
  package func runPrelude(_ source: [UInt8], natives: KeyValuePairs<String, LuaNative> = [:])
    throws(LuaFailure)
  {
    var table = LuaTable()
    for (name, body) in natives { table[name] = .function(function(name, body)) }
    let results = try call(load(source, chunkName: Self.preludeName), [.table(table)])
    for pair in results.first?.table?.pairs ?? [] {
      if let name = pair.key.text, case .function(let function) = pair.value {
        preludeFunctions[name] = function
      }
    }
    hasNewGlobals = true
  }

  package func runPrelude(_ source: String, natives: KeyValuePairs<String, LuaNative> = [:])
    throws(LuaFailure)
  {
    try runPrelude(Array(source.utf8), natives: natives)
  }

  private func installPrelude() throws(LuaFailure) {
    try runPrelude(
      PackageResources.library_lua,
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
        "note_missing": { call in
          call.state.scripts.noteMiss(try call.argument(1, "path").path())
          return []
        },
      ]
    )
    try runPrelude(PackageResources.strings_lua, natives: ["misuse": Self.misuse])
    try runPrelude(
      PackageResources.assertions_lua,
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
