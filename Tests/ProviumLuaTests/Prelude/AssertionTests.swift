import Testing

@testable import ProviumLua

@Suite("Assertions")
struct AssertionTests {
  let state: LuaState

  init() throws {
    state = try LuaState()
    try state.setGlobal("null", .null)
  }

  @Test(
    "an assertion that holds returns",
    arguments: [
      "assert(assert(1, 'x') == 1)", "assert(select('#', assert(1, nil, nil)) == 3)", "assert_eq(1, 1.0)",
      "assert_eq(nil, nil)", "assert_eq('a', ('a').value)", "assert_eq({1, {a = 2}}, {1, {a = 2.0}})",
      "assert_eq({}, {})", "assert_eq(null, null)", "assert_eq(0/0, 0/0)",
      "local a, b = {}, {} a.x, b.x = a, b assert_eq(a, b)", "assert_eq(print, print)", "assert_eq(nil)",
      "local a, b = {}, {} for i = 1, 100000 do a, b = {a}, {b} end assert_eq(a, b)",
      "local x, y, z = {}, {}, {} x.a, x.b = x, x y.a, y.b = z, y z.a, z.b = y, z assert_eq(x, y)",
      "local e = {__eq = function() return true end} assert_eq(setmetatable({}, e), setmetatable({1}, e))",
      "assert_eq({'a', 'b'}, ('a\\nb\\n').lines())", "assert_ne(1, 2)", "assert_ne('1', 1)",
      "assert_ne({1}, {2})",
      "assert_contains('a.c', '.')", "assert_contains({1, {2}}, {2})", "assert_contains(120, '2')",
      "assert(assert_match('key=42', '(%d+)') == '42')", "assert(assert_error(error) == nil)",
      "assert(assert_error(function() error('boom') end, 'boom') == 'tests/a.lua:1: boom')",
      "assert(assert_eq(1, 1) == 1)", "local ok, e = pcall(assert, false, 'plain') assert(e == 'plain')",
      "local t = {} local ok, e = pcall(assert, nil, t) assert(e == t)",
    ]
  )
  func hold(_ script: String) throws { try state.run(script, chunkName: "tests/a.lua") }

  @Test(
    "a failed assertion has both values and the script's own line",
    arguments: [
      ("assert_eq('0', '-13')", #"expected "0", got "-13""#),
      ("assert_eq(0, -13)", "expected 0, got -13"),
      ("assert_eq('0', 0)", #"expected "0", got 0 (a number is not a string)"#),
      ("assert_eq(1, 2, 'exit code')", "exit code: expected 1, got 2"),
      ("assert_eq(1, nil)", "expected 1, got nil"),
      ("assert_eq(null, nil)", "expected null, got nil"),
      ("assert_eq(0xffffffff81000000, 1)", "expected -2130706432 (0xffffffff81000000), got 1"),
      ("assert_eq(0x7fffffff, 0x80000000)", "expected 2147483647, got 2147483648 (0x80000000)"),
      ("assert_eq('a\\0b', 'ab')", #"expected "a\x00b" [61 00 62], got "ab""#),
      ("assert_eq('a\\n', 'a')", #"expected "a\n", got "a""#),
      (
        "assert_eq({a = 1}, {a = 2})",
        "expected {a = 1}, got {a = 2}\nfirst difference at .a: expected 1, got 2"
      ),
      (
        "assert_eq({1, {b = {3}}}, {1, {b = {4}}})",
        "expected {1, {b = {3}}}, got {1, {b = {4}}}\nfirst difference at [2].b[1]: expected 3, got 4"
      ),
      ("assert_eq({}, {x = 1})", "expected {}, got {x = 1}\nfirst difference at .x: expected nil, got 1"),
      ("assert_ne({1}, {1})", "expected another value than {1}"),
      ("assert_contains('abc', 'x')", #"expected to find "x" in "abc""#),
      ("assert_contains('a\\nb\\n', 'x', 'log')", "log: expected to find \"x\" in 2 lines:\n  | a\n  | b"),
      ("assert_contains({1}, 2)", "expected {1} to contain 2"),
      ("assert_match('abc', '%d')", #"expected a match for the pattern "%d" in "abc""#),
      ("assert_error(function() return 5 end)", "expected an error, but the function returned 5"),
      ("assert_error(function() error('x', 0) end, 'y')", #"expected an error containing "y", got "x""#),
      ("assert(false)", "assertion failed!"), ("assert(nil, 'my message')", "my message"),
      ("fail('no')", "no"), ("fail()", "failed"),
    ]
  )
  func fails(_ script: String, _ message: String) throws {
    let failure = try #require(throws: LuaFailure.self) {
      try state.run("\n" + script, chunkName: "tests/a.lua")
    }
    #expect(failure.message == message)
    #expect(failure.location == LuaLocation(file: "tests/a.lua", line: 2))
    #expect(failure.payload is LuaAssertion)
    #expect(failure.traceback == ["tests/a.lua:2: in main chunk"])
  }

  @Test(
    "an assertion that is used wrongly is a misuse, not a failed assertion",
    arguments: [
      ("assert()", "assert: argument 'condition' is missing"),
      ("assert_eq()", "assert_eq: needs an expected and an actual value, got nothing"),
      (
        "assert_contains(nil, 'x')",
        "assert_contains: argument 'haystack' must be a string or a list, got nil"
      ),
      ("assert_contains('x', {})", "assert_contains: argument 'needle' must be a string, got table"),
      ("assert_error('x')", "assert_error: argument 'fn' must be a function, got string"),
      ("assert_match('x', '[')", #"assert_match: "[": malformed pattern (missing ']')"#),
    ]
  )
  func misuse(_ script: String, _ message: String) throws {
    let failure = try #require(throws: LuaFailure.self) { try state.run(script, chunkName: "tests/a.lua") }
    #expect(failure.description == "tests/a.lua:1: " + message)
    #expect(failure.payload is LuaError)
  }

  @Test("an assertion that fails in a helper has the helper's line")
  func helper() throws {
    let failure = try #require(throws: LuaFailure.self) {
      try state.run("local function check(x)\n  assert_eq(1, x)\nend\n\ncheck(2)", chunkName: "tests/a.lua")
    }
    #expect(failure.location?.line == 2)
    #expect(failure.traceback == ["tests/a.lua:2: in function 'check'", "tests/a.lua:5: in main chunk"])
  }

  @Test("long texts are shown by their differing lines")
  func lines() throws {
    let failure = try #require(throws: LuaFailure.self) {
      try state.run(
        "assert_eq('a\\nb\\nc\\nd\\ne\\nf\\n', 'a\\nb\\nc\\nD\\ne\\nf\\n')",
        chunkName: "tests/a.lua"
      )
    }
    #expect(
      failure.message == """
        texts differ (- expected, + got):
          …
            b
            c
          - d
          + D
            e
            f
        """
    )
  }

  @Test("long byte strings are shown around their first difference")
  func bytes() throws {
    let failure = try #require(throws: LuaFailure.self) {
      try state.run("assert_eq(('\\0'):rep(100) .. 'x', ('\\0'):rep(100) .. 'yz')", chunkName: "tests/a.lua")
    }
    #expect(failure.message.hasPrefix("strings differ at byte 100, lengths 101 and 102:\n  expected …\""))
  }
}
