import Testing

@testable import ProviumLua

@Suite("Values that cross the Lua border")
struct LuaValueTests {
  let state: LuaState

  init() throws { state = try LuaState() }

  @Test("values come back from Lua unchanged")
  func roundTrip() throws {
    let values: [LuaValue] = [
      .nil, true, false, 0, 42, .integer(.min), .integer(.max), 1.5, .number(.infinity), "", "text",
      .string([0, 1, 0xff, 0]), .null, [], [1, 2, 3], ["a": 1, "b": ["c": true]], [["x"], ["y": [.null]]],
    ]
    let identity = try state.load(Array("return ...".utf8), chunkName: "a.lua")
    #expect(try state.call(identity, values) == values)
    #expect(try state.call(identity, [.list(values)]).first?.table?.array.dropFirst() == values.dropFirst())
  }

  @Test("integers stay integers and floats stay floats")
  func numberKinds() throws {
    let results = try state.run("return 1, 1.0, math.mininteger, 2^53", chunkName: "a.lua")
    guard case .integer(1) = results[0], case .number(1) = results[1], case .integer(.min) = results[2] else {
      Issue.record("\(results)")
      return
    }
    #expect(results[3].integer == 1 << 53)
  }

  @Test("a table that contains itself is refused, naming the function")
  func cycle() throws {
    try state.register(global: "take") { _ in [] }
    let failure = #expect(throws: LuaFailure.self) {
      try state.run("local t = {}\nt.t = {t}\ntake(t)", chunkName: "a.lua")
    }
    #expect(failure?.description == "a.lua:3: take: cannot take a table that contains itself")
  }

  @Test("a table nested too deeply is refused")
  func depth() throws {
    try state.register(global: "take") { _ in [] }
    let script = "local t = {}\nfor _ = 1, %d do t = {t} end\ntake(t)"
    try state.run(script.replacing("%d", with: "60"), chunkName: "a.lua")
    let failure = #expect(throws: LuaFailure.self) {
      try state.run(script.replacing("%d", with: "100"), chunkName: "a.lua")
    }
    #expect(failure?.message == "take: cannot take a table nested more than 64 levels deep")
  }

  @Test("a table that is at two places of another one is copied twice")
  func shared() throws {
    let results = try state.run("local t = {1} return {t, t}", chunkName: "a.lua")
    #expect(results == [[[1], [1]]])
  }

  @Test("big strings and tables cross the border unchanged")
  func big() throws {
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try state.setGlobal("bytes", .string(bytes))
    #expect(try state.run("return bytes", chunkName: "a.lua") == [.string(bytes)])
    let list = LuaValue.list((0..<50_000).map { .integer($0) })
    try state.setGlobal("list", list)
    #expect(try state.run("return list, #list", chunkName: "a.lua") == [list, 50_000])
  }

  @Test("a Lua function can be called and kept, and is collected after its handle is dropped")
  func functions() throws {
    var kept: LuaFunction?
    try state.register(global: "keep") { call in
      kept = try call.function(1, "fn")
      return []
    }
    try state.run(
      "local n = 0\nlocal marker = setmetatable({}, {__gc = function() gone = true end})\n"
        + "keep(function(by) n = n + by return n, marker and 1 end)",
      chunkName: "a.lua"
    )
    let function = try #require(kept)
    #expect(try state.call(function, [2]).first == 2)
    #expect(try state.call(function, [3]).first == 5)
    #expect(try state.run("collectgarbage() return gone", chunkName: "a.lua") == [.nil])
    kept = nil
    _ = consume function
    #expect(try state.run("collectgarbage() collectgarbage() return gone", chunkName: "a.lua") == [true])
  }

  @Test("a function of another Lua state is refused")
  func foreignFunction() throws {
    let other = try LuaState()
    let function = try other.load(Array("return 1".utf8), chunkName: "a.lua")
    #expect(throws: LuaFailure.self) { try state.call(function) }
    #expect(throws: LuaFailure.self) { try state.setGlobal("f", [.function(function), "some text"]) }
  }

  @Test("a function that Swift returns can be called after Swift has dropped it")
  func returnedFunctions() throws {
    try state.register(global: "make") { call in
      let function = try call.state.load(Array("return 'made'".utf8), chunkName: "b.lua")
      return [.function(function), .function(call.state.function("native") { _ in ["native"] })]
    }
    #expect(
      try state.run("local a, b = make() collectgarbage() return a() .. b()", chunkName: "a.lua") == [
        "madenative"
      ]
    )
  }

  @Test("threads and foreign userdata are named, not copied")
  func opaque() throws {
    var given: [String] = []
    try state.register(global: "look") { call in
      given = call.arguments.map(\.given)
      return []
    }
    try state.run("look(coroutine.create(print), io.stdout, print, {})", chunkName: "a.lua")
    #expect(given == ["thread", "userdata", "function", "table"])
  }
}
