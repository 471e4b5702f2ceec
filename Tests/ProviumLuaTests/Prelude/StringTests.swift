import Testing

@testable import ProviumLua

@Suite("Methods of strings")
struct StringTests {
  @Test(
    "the added methods of strings can be called with a dot or a colon",
    arguments: [
      "s.value == s", "s.contains('lo')", "s:contains('lo')", "not s.contains('.')", "s.starts_with('  he')",
      "s:starts_with('  he')", "s.ends_with('d\\n')", "s:ends_with('')", "s.trim() == 'hello\\nworld'",
      "s:trim() == 'hello\\nworld'", "#s.lines() == 2", "s:lines()[2] == 'world'", "#s == 14",
      "s .. '!' == '  hello\\nworld\\n!'",
      "tostring(s) == s", "s:upper() == '  HELLO\\nWORLD\\n'", "s.nothing == nil", "(' \\t\\n').trim() == ''",
      "#(''):lines() == 0",
      "#('a\\n\\nb').lines() == 3", "string.find(s, 'hello') == 3",
      "(function() local n = 0 for line in s.lines() do n = n + #line end return n end)() == 12",
    ]
  )
  func conveniences(_ expression: String) throws {
    let state = try LuaState()
    #expect(
      try state.run("local s = '  hello\\nworld\\n' return \(expression)", chunkName: "a.lua") == [true]
    )
  }

  @Test("a script's own string function replaces an added method of that name")
  func own() throws {
    let state = try LuaState()
    let results = try state.run(
      "function string.trim(s, what) return 'mine' .. (what or '') end\n"
        + "return ('x'):trim(), ('x'):trim('y'), (' x ').trim(), string.trim('x')",
      chunkName: "a.lua"
    )
    #expect(results == ["mine", "miney", "x", "mine"])
  }

  @Test("an added method that is used wrongly says so")
  func misuse() throws {
    let state = try LuaState()
    let failure = #expect(throws: LuaFailure.self) {
      try state.run("local x = ('x').contains({})", chunkName: "a.lua")
    }
    #expect(failure?.description == "a.lua:1: contains: its argument must be a string, got table")
    let second = #expect(throws: LuaFailure.self) {
      try state.run("local x = ('x').contains()", chunkName: "a.lua")
    }
    #expect(second?.description == "a.lua:1: contains: takes one argument, got 0")
  }
}
