import Testing

@testable import ProviumLua

private struct GuestLost: Error, CustomStringConvertible {
  var description: String { "the guest is gone: kernel panic" }
}

private struct Skip: LuaSignal {
  let reason: String
  var description: String { "skipped: \(reason)" }
}

@Suite("Failures of scripts")
struct LuaFailureTests {
  let state: LuaState

  init() throws {
    state = try LuaState()
    try state.register(global: "lose") { _ in throw GuestLost() }
    try state.register(global: "skip") { call in throw Skip(reason: try call.string(1, "reason")) }
    try state.register(global: "enter") { call in try call.state.call(call.function(1, "fn")) }
  }

  private func failure(_ script: String, name: String = "tests/a.lua") throws -> LuaFailure {
    try #require(throws: LuaFailure.self) { try state.run(script, chunkName: name) }
  }

  @Test("the line of a Lua error is apart from its message")
  func luaError() throws {
    let failure = try failure("\nlocal function f()\n  local x = nil + 1\nend\nf()")
    #expect(failure.kind == .raised)
    #expect(failure.location == LuaLocation(file: "tests/a.lua", line: 3))
    #expect(failure.message == "attempt to perform arithmetic on a nil value")
    #expect(failure.description == "tests/a.lua:3: attempt to perform arithmetic on a nil value")
    #expect(failure.traceback == ["tests/a.lua:3: in function 'f'", "tests/a.lua:5: in main chunk"])
    #expect(failure.payload == nil)
  }

  @Test("the error for a mistyped global names the nearest one")
  func mistyped() throws {
    #expect(
      try failure("asert_eq(1, 2)").message
        == "attempt to call a nil value (global 'asert_eq') (did you mean 'assert_eq'?)"
    )
    #expect(try failure("los()").message.hasSuffix("(did you mean 'lose'?)"))
    #expect(try failure("colour()").message == "attempt to call a nil value (global 'colour')")
  }

  @Test(
    "the use of a name that Lua 5.4 does not have says what to use instead",
    arguments: [
      ("setfenv(1, {})", "setfenv", "_ENV"), ("getfenv()", "getfenv", "_ENV"),
      ("table.getn({})", "table.getn", "#t"),
      ("module('x')", "module", "return"), ("local b = bit.band(1, 2)", "bit", "&"),
      ("local setfenv = setfenv setfenv(1, {})", "setfenv", "_ENV"),
      ("math.mod(1, 2)", "math.mod", "math.fmod"),
      ("table.maxn({})", "table.maxn", "#t"), ("('x'):gfind('x')", "string.gfind", "string.gmatch"),
      ("table.foreach({}, print)", "table.foreach", "pairs"), ("newproxy()", "newproxy", "metatable"),
    ]
  )
  func removedNames(_ script: String, _ name: String, _ advice: String) throws {
    let failure = try failure(script)
    #expect(failure.message.contains("(Lua 5.1's \(name) does not exist in Lua 5.4: "), "\(failure.message)")
    #expect(failure.message.contains(advice))
  }

  @Test("a test for a name of Lua 5.1 is not an error, and the script's own fields are not Lua's")
  func featureTests() throws {
    try state.run(
      "if setfenv then setfenv(1, {}) end if table.getn then error('x') end assert(unpack and loadstring)",
      chunkName: "tests/a.lua"
    )
    #expect(try failure("local o = {} o.module()").message == "attempt to call a nil value (field 'module')")
  }

  @Test("a syntax error has its line")
  func syntax() throws {
    let failure = try failure("local a = 1\nlocal = 2")
    #expect(failure.kind == .syntax)
    #expect(failure.location?.line == 2)
    #expect(failure.message.hasPrefix("<name> expected"))
  }

  @Test("a long path is not shortened")
  func longPath() throws {
    let name = "tests/" + String(repeating: "deep/", count: 20) + "a.lua"
    #expect(try failure("error('boom')", name: name).description == "\(name):1: boom")
    #expect(try failure("lose()", name: name).description == "\(name):1: the guest is gone: kernel panic")
    #expect(try failure("x = = 1", name: name).location == LuaLocation(file: name, line: 1))
  }

  @Test(
    "the error that Swift threw is the payload, however the script passed it on",
    arguments: [
      "lose()",
      "local ok, e = pcall(lose) error(e, 0)",
      "local ok, e = pcall(lose) error(e)",
      "local ok, e = pcall(lose) error('while mounting: ' .. e)",
      "local ok, e = pcall(lose) assert(ok, e)",
      "assert(pcall(lose))",
      "enter(lose)",
      "enter(function() enter(function() lose() end) end)",
      "coroutine.wrap(lose)()",
      "coroutine.wrap(function() lose() end)()",
      "local _, e = xpcall(lose, debug.traceback) error(e, 0)",
    ]
  )
  func payload(_ script: String) throws {
    let failure = try failure(script)
    #expect(failure.payload is GuestLost)
    #expect(failure.message.contains("the guest is gone: kernel panic"))
    #expect(!failure.message.hasPrefix("tests/a.lua"))
    #expect(failure.location == LuaLocation(file: "tests/a.lua", line: 1))
  }

  @Test("a script sees an error as a string that begins with its own line")
  func strings() throws {
    let results = try state.run(
      "local ok, e = pcall(function()\n lose() end)\nreturn ok, e, type(e), e:match('panic')",
      chunkName: "tests/a.lua"
    )
    #expect(results == [false, "tests/a.lua:2: the guest is gone: kernel panic", "string", "panic"])
  }

  @Test(
    "a signal that is caught and raised again stays itself",
    arguments: [
      "skip('why')", "local _, e = pcall(skip, 'why') error(e)", "enter(function() enter(skip) end)",
    ]
  )
  func signal(_ script: String) throws {
    let failure = try failure(script.replacing("enter(skip)", with: "skip('why')"))
    #expect((failure.payload as? Skip)?.reason == "why")
    #expect(failure.message == "skipped: why")
  }

  @Test("an error value that is not a string is shown")
  func otherValues() throws {
    #expect(try failure("error({code = 5})").description == "tests/a.lua:1: error value: {code = 5}")
    #expect(try failure("error()").message == "error value: nil")
    #expect(
      try failure("error(setmetatable({}, {__tostring = function() return 'mine' end}))").message == "mine"
    )
    #expect(try failure("error(12)").message == "error value: 12")
  }

  @Test("an error in a helper of another file has that file's line")
  func otherFile() throws {
    try state.run("function helper() lose() end", chunkName: "helpers/h.lua")
    let failure = try failure("\nhelper()")
    #expect(failure.location == LuaLocation(file: "helpers/h.lua", line: 1))
    #expect(failure.traceback == ["helpers/h.lua:1: in function 'helper'", "tests/a.lua:2: in main chunk"])
  }

  @Test("endless recursion is an error, in Lua and through Swift")
  func recursion() throws {
    #expect(try failure("local function f() return 1 + f() end f()").message.contains("stack overflow"))
    #expect(try failure("local function f() enter(f) end f()").message.contains("stack overflow"))
    #expect(
      try failure(
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end return t.x"
      ).message.contains("overflow")
    )
  }

  @Test("running out of memory is reported as such, and the state can be used after it")
  func memory() throws {
    let state = try LuaState(memoryLimit: 8 << 20)
    let failure = try #require(throws: LuaFailure.self) {
      try state.run("local s = 'x' while true do s = s .. s end", chunkName: "a.lua")
    }
    #expect(failure.kind == .memory)
    #expect(failure.description == "not enough memory")
    #expect(
      try state.run("return pcall(string.rep, 'x', 1 << 30)", chunkName: "a.lua") == [
        false, "not enough memory",
      ]
    )
    #expect(throws: LuaFailure.self) { try LuaState(memoryLimit: 1000) }
  }

  @Test("a closed state refuses calls, and finalizers may call Swift while it closes")
  func closed() throws {
    try state.run("keep = setmetatable({}, {__gc = function() lose() end})", chunkName: "a.lua")
    state.close()
    state.close()
    #expect(throws: LuaFailure.self) { try state.run("return 1", chunkName: "a.lua") }
  }

  @Test("a Swift function that a coroutine calls may enter Lua")
  func coroutines() throws {
    try state.register(global: "map") { call in
      let function = try call.function(1, "fn")
      return try call.argument(2, "list").table().array.map { try call.state.call(function, [$0])[0] }
    }
    let results = try state.run(
      "local co = coroutine.wrap(function() coroutine.yield(map(function(x) return x * 2 end, {1, 2, 3})) return map(tostring, {4}) end)\n"
        + "local a, b, c = co() return a, b, c, co()",
      chunkName: "a.lua"
    )
    #expect(results == [2, 4, 6, "4"])
    #expect(
      try failure("coroutine.wrap(function() enter(coroutine.yield) end)()").message
        == "attempt to yield across a C-call boundary"
    )
  }
}
