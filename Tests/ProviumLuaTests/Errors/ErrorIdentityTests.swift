import ProviumSystem
import Testing

@testable import ProviumLua

private struct GuestLost: Error, CustomStringConvertible {
  var description: String { "the guest is gone: kernel panic" }
}

private struct GuestRefusal: Error, CustomStringConvertible {
  var description: String { "ENOENT" }
}

/// A statement that raises an error, and what must be reported of it.
struct RaisingStatement: Sendable, CustomTestStringConvertible {
  enum Family: Sendable { case assertion, misuse, refusal, lost, script }
  /// Where the error is reported.
  enum Place: Sendable {
    /// At the statement, also after the script caught the error and raised it again.
    case statement
    /// At the call of the function that has the statement.
    case caller
    /// Where it was raised last: the error value has no place of its own.
    case lastRaise
  }
  let source: String
  let family: Family
  let message: String
  var place = Place.statement
  var testDescription: String { source }

  static let all: [RaisingStatement] = [
    .init(source: "assert(1 == 3)", family: .assertion, message: "assertion failed!"),
    .init(source: "assert(false, 'x')", family: .assertion, message: "x"),
    .init(
      source: "assert(nil, ('a message that is longer than forty bytes'):rep(2))",
      family: .assertion,
      message: "a message that is longer than forty bytesa message that is longer than forty bytes"
    ),
    .init(source: "assert_eq(1, 2)", family: .assertion, message: "expected 1, got 2"),
    .init(source: "fail('x')", family: .assertion, message: "x"),
    .init(source: "error('x')", family: .script, message: "x"),
    .init(source: "error('x', 2)", family: .script, message: "x", place: .caller),
    .init(source: "error('x', 0)", family: .script, message: "x", place: .lastRaise),
    .init(
      source: "error({ code = 5 })",
      family: .script,
      message: "error value: {code = 5}",
      place: .lastRaise
    ),
    .init(
      source: "local t = nil; local x = t.a",
      family: .script,
      message: "attempt to index a nil value (local 't')"
    ),
    .init(
      source: "local x = nil + 1",
      family: .script,
      message: "attempt to perform arithmetic on a nil value"
    ),
    .init(
      source: "take('x')",
      family: .misuse,
      message: "take: argument 'n' must be an integer, got string \"x\""
    ),
    .init(source: "refuse()", family: .refusal, message: "ENOENT"),
    .init(source: "lose()", family: .lost, message: "the guest is gone: kernel panic"),
  ]
}

/// A way from the raising statement to the end of the script. `call()` runs the statement.
struct ErrorPath: Sendable, CustomTestStringConvertible {
  let name: String
  /// From line 6 on; each is one line, so that the last raise is in line 6.
  let source: String
  var testDescription: String { name }

  static let all: [ErrorPath] = [
    .init(name: "raised plainly", source: "call()"),
    .init(name: "after an identical one that was caught", source: "pcall(other); call()"),
    .init(name: "after an identical one that is kept", source: "kept = select(2, pcall(other)); call()"),
    .init(name: "after an identical one in a variable", source: "local _, e = pcall(other); call()"),
    .init(
      name: "after an identical one in a coroutine",
      source: "coroutine.resume(coroutine.create(other)); call()"
    ),
    .init(name: "caught, error(e, 0)", source: "local _, e = pcall(call); error(e, 0)"),
    .init(name: "caught, error(e)", source: "local _, e = pcall(call); error(e)"),
    .init(name: "caught, return error(e, 0)", source: "local _, e = pcall(call); return error(e, 0)"),
    .init(name: "caught, error(e, 0) in another function", source: "local _, e = pcall(call); pass_on(e)"),
    .init(
      name: "caught, raised from an upvalue",
      source: "local _, e = pcall(call); (function() error(e, 0) end)()"
    ),
    .init(
      name: "caught twice",
      source: "local _, e = pcall(call); local _, f = pcall(error, e, 0); error(f, 0)"
    ),
    .init(name: "assert(pcall())", source: "assert(pcall(call))"),
    .init(name: "caught, assert(ok, e)", source: "local ok, e = pcall(call); assert(ok, e)"),
    .init(name: "error(select(2, pcall()))", source: "error(select(2, pcall(call)), 0)"),
    .init(name: "through xpcall", source: "local _, e = xpcall(call, function(e) return e end); error(e, 0)"),
    .init(
      name: "through coroutine.resume",
      source: "local _, e = coroutine.resume(coroutine.create(call)); error(e, 0)"
    ),
    .init(name: "through coroutine.wrap", source: "coroutine.wrap(call)()"),
    .init(
      name: "through coroutine.wrap, caught",
      source: "local _, e = pcall(coroutine.wrap(call)); error(e, 0)"
    ),
    .init(
      name: "through coroutine.close",
      source: "local co = coroutine.create(closing); coroutine.resume(co, call); "
        + "local _, e = coroutine.close(co); error(e, 0)"
    ),
    .init(name: "through table.sort", source: "table.sort({ 1, 2 }, call)"),
    .init(name: "through the reader of load", source: "local _, e = load(call); error(e, 0)"),
  ]
}

@Suite("The identity of errors")
struct ErrorIdentityTests {
  let state: LuaState

  init() throws {
    state = try LuaState()
    try state.register(global: "take") { [.integer(try $0.integer(1, "n"))] }
    try state.register(global: "refuse") { _ in throw GuestRefusal() }
    try state.register(global: "lose") { _ in throw GuestLost() }
  }

  private func failure(_ script: String) throws -> LuaFailure {
    try #require(throws: LuaFailure.self) { try state.run(script, chunkName: "tests/a.lua") }
  }

  private func expect(_ failure: LuaFailure, _ statement: RaisingStatement, at location: LuaLocation) {
    let family: RaisingStatement.Family =
      switch failure.payload {
      case is LuaAssertion: .assertion
      case is LuaError: .misuse
      case is GuestRefusal: .refusal
      case is GuestLost: .lost
      default: .script
      }
    #expect(family == statement.family)
    #expect(failure.message == statement.message)
    #expect(failure.location == location)
    #expect(failure.kind == .raised)
  }

  /// Lines 1 to 5: the statement is in line 2, the call of its function in line 4.
  private func definitions(_ statement: RaisingStatement) -> String {
    """
    local function raise()
      \(statement.source)
    end
    function call() raise() end

    """
  }

  @Test(
    "an error has its own family, message and place, however it leaves the script",
    arguments: RaisingStatement.all,
    ErrorPath.all
  )
  func everyPair(_ statement: RaisingStatement, _ path: ErrorPath) throws {
    // An identical error of an earlier piece of the script, which was not caught.
    _ = try failure("\n\n\n\n\n\n\n\n" + statement.source)
    try state.run(
      """
      function pass_on(e) error(e, 0) end
      function closing(call)
        local value <close> = setmetatable({}, { __close = call })
        coroutine.yield()
      end





      function other()
        \(statement.source)
      end
      """,
      chunkName: "tests/other.lua"
    )
    let failure = try failure(definitions(statement) + "\n" + path.source)
    let file = path.source.contains("pass_on") ? "tests/other.lua" : "tests/a.lua"
    let isRaisedAgain = path.source.contains("call);") || !path.source.hasSuffix("call()")
    let location =
      switch statement.place {
      case .statement: LuaLocation(file: "tests/a.lua", line: 2)
      case .caller: LuaLocation(file: "tests/a.lua", line: 4)
      case .lastRaise where path.name == "through table.sort": LuaLocation(file: "tests/a.lua", line: 2)
      case .lastRaise where isRaisedAgain: LuaLocation(file: file, line: file == "tests/a.lua" ? 6 : 1)
      case .lastRaise: LuaLocation(file: "tests/a.lua", line: 2)
      }
    expect(failure, statement, at: location)
  }

  @Test(
    "an error in a helper file has that file's place",
    arguments: RaisingStatement.all,
    ["dofile('h.lua') call()", "require('h') call()", "dofile('h.lua') local _, e = pcall(call) error(e, 0)"]
  )
  func helperFile(_ statement: RaisingStatement, _ script: String) throws {
    let root = "/tmp/provium-lua-\(UInt64.random(in: 0...UInt64.max))"
    try Files.createDirectories(root)
    defer { try? Files.removeTree(root) }
    try Files.write(Array(definitions(statement).utf8), to: root + "/h.lua")
    state.scripts.searchFolders = [root]
    state.scripts.displayPath = { String($0.dropFirst(root.count + 1)) }
    try state.setPackagePath([root])
    let isRaisedAgain = script.contains("error")
    let location =
      switch statement.place {
      case .statement: LuaLocation(file: "h.lua", line: 2)
      case .caller: LuaLocation(file: "h.lua", line: 4)
      case .lastRaise where isRaisedAgain: LuaLocation(file: "tests/a.lua", line: 1)
      case .lastRaise: LuaLocation(file: "h.lua", line: 2)
      }
    expect(try failure(script), statement, at: location)
  }

  @Test(
    "an error that contains the text of another one is not that other one",
    arguments: [
      ("assert(false, 'x')", "error('an x')", "an x"),
      ("assert(false, 'x')", "error('x', 0)", "x"),
      ("assert(false)", "error('boom: assertion failed! x', 0)", "boom: assertion failed! x"),
      ("lose()", "error('the guest is gone: kernel panic')", "the guest is gone: kernel panic"),
      ("fail('no')", "local x = nil .. 'no'", "attempt to concatenate a nil value"),
    ]
  )
  func containedText(_ earlier: String, _ script: String, _ message: String) throws {
    _ = try failure(earlier)
    try state.run("pcall(function() \(earlier) end)", chunkName: "tests/a.lua")
    let failure = try failure("pcall(function() \(earlier) end)\n\(script)")
    #expect(failure.payload == nil)
    #expect(failure.message == message)
    #expect(failure.location?.line == 2)
  }

  @Test("words around a caught error keep its family and place, and become the message")
  func quoted() throws {
    let texts = [
      "error('while mounting: ' .. e)", "error(('while mounting: %s'):format(e), 0)",
      "error('while mounting: ' .. tostring(e), 2)", "assert(nil, 'while mounting: ' .. e)",
    ]
    for text in texts {
      let failure = try failure("local _, e = pcall(function()\n lose() end)\n\(text)")
      #expect(failure.payload is GuestLost)
      #expect(failure.message == "while mounting: tests/a.lua:2: the guest is gone: kernel panic")
      #expect(failure.location?.line == 2)
    }
    let traced = try failure("local _, e = xpcall(function()\n lose() end, debug.traceback)\nerror(e, 0)")
    #expect(traced.payload is GuestLost)
    #expect(traced.location?.line == 2)
    #expect(traced.message.hasPrefix("the guest is gone: kernel panic\nstack traceback:"))
  }

  @Test("an assertion that a message handler adds words to is still that assertion")
  func handled() throws {
    for handler in ["debug.traceback", "function(e) return 'cleanup: ' .. e end"] {
      let failure = try failure(
        "local _, e = xpcall(function()\n assert(false, 'x') end, \(handler))\nerror(e, 0)"
      )
      #expect(failure.payload is LuaAssertion)
      #expect(failure.location?.line == 2)
      #expect(failure.message.contains("x"))
    }
  }

  @Test(
    "a string that no error was caught as is the assertion's own message",
    arguments: [
      "assert(load('x = = 1'))", "assert(io.open('/nonexistent/file'))",
      "local co = coroutine.create(coroutine.yield) local _, text = coroutine.resume(co, 'x') assert(false, text)",
      "local _, text = pcall(function() return 'x' end) assert(false, text)",
      "for _ = 1, 3 do local ok, e = pcall(function() assert(false, 'not ready') end) end assert(false, 'not ready')",
    ]
  )
  func ownMessage(_ script: String) throws {
    let failure = try failure("\n" + script)
    #expect(failure.payload is LuaAssertion)
    #expect(failure.location?.line == 2)
  }

  @Test(
    "a caught error is a string to the script",
    arguments: [
      "type(e) == 'string'", "e == 'tests/a.lua:1: ENOENT'", "({ [e] = 1 })['tests/a.lua:1: ENOENT'] == 1",
      "tostring(e) == e", "e .. '' == e", "'x' .. e == 'xtests/a.lua:1: ENOENT'", "#e == 21",
      "e:find('ENOENT', 1, true) == 16", "e:match('%u+') == 'ENOENT'", "string.find(e, 'ENOENT') == 16",
      "e:gsub('ENOENT', 'x') == 'tests/a.lua:1: x'", "('%s'):format(e) == e", "table.concat({ e }) == e",
      "e < 'u' and e > 't'", "e.contains('ENOENT')", "e:ends_with('ENOENT')",
      "assert_contains(e, 'ENOENT') == e",
      "assert_eq('tests/a.lua:1: ENOENT', e) == e", "select(2, pcall(error, e, 0)) == e",
      "select(2, pcall(error, e)) == e", "select(2, pcall(assert, false, e)) == e",
      "select(2, coroutine.resume(coroutine.create(refuse))) == 'ENOENT'",
      "assert_error(refuse, 'ENOENT') == 'tests/a.lua:1: ENOENT'",
      "select(2, pcall(assert, false, 'plain')) == 'plain'",
    ]
  )
  func strings(_ expression: String) throws {
    let results = try state.run(
      "local ok, e = pcall(function() refuse() end) return ok == false and \(expression)",
      chunkName: "tests/a.lua"
    )
    #expect(results.first == true)
  }

  @Test("the error that __close sees behaves as its text does")
  func closingValue() throws {
    let results = try state.run(
      """
      local seen = {}
      local function see(_, e)
        seen = { tostring(e), "x" .. e, e .. "x", #e, e:find("ENO", 1, true), e:upper(), e == e, e < "u", e.value }
        seen[10] = select(2, pcall(error, e, 0))
      end
      pcall(function()
        local value <close> = setmetatable({}, { __close = see })
        refuse()
      end)
      return seen
      """,
      chunkName: "a.lua"
    )
    let text: LuaValue = "a.lua:8: ENOENT"
    #expect(
      results == [
        .list([
          text, "xa.lua:8: ENOENT", "a.lua:8: ENOENTx", 15, 10, "A.LUA:8: ENOENT", true, true, text, text,
        ])
      ]
    )
  }

  @Test("an error value whose __tostring fails says so, and running out of memory in it is told as such")
  func failingTostring() throws {
    func script(_ body: String) -> String {
      "error(setmetatable({}, { __tostring = function() \(body) end }))"
    }
    #expect(
      try failure(script("error('no')")).message
        == "error value: a table whose __tostring fails: tests/a.lua:1: no"
    )
    #expect(
      try failure(script("return {}")).message.hasPrefix("error value: a table whose __tostring fails: ")
    )
    #expect(try failure(script("lose()")).message.hasSuffix("tests/a.lua:1: the guest is gone: kernel panic"))
    #expect(try failure(script("error({})")).message == "error value: a table whose __tostring fails: table")
    let small = try LuaState(memoryLimit: 8 << 20)
    let failure = try #require(throws: LuaFailure.self) {
      try small.run(script("local s = 'x' while true do s = s .. s end"), chunkName: "a.lua")
    }
    #expect(failure.kind == .memory)
  }

  @Test("many caught errors are not kept for ever")
  func manyErrors() throws {
    try state.run("for i = 1, 300 do pcall(lose) end collectgarbage() collectgarbage()", chunkName: "a.lua")
    #expect(state.host.handles.objects.count < 100)
    state.close()
    #expect(state.host.handles.objects.count == 0)
  }
}
