import Testing

import ProviumLua
@testable import ProviumScripts

@Suite("Tokens of Lua source")
struct LuaLexerTests {
  /// `source`: one string literal. Lua must read the same value from it.
  @Test(
    "a string literal has the value that Lua reads",
    arguments: [
      #""plain""#, #"'it''"#.replacing("''", with: "\\''"), #""a\n\t\\\"\'\a\b\f\r\v""#,
      #""\x41\xff\0\065\1234""#,
      #""\u{48}\u{e9}\u{20ac}\u{1F600}\u{7FFFFFFF}""#, "\"a\\\nb\"", "\"a\\z  \n  b\"", "[[long]]",
      "[[\nfirst line end\n is dropped]]",
      "[==[ ]] ]=] ]==]", "[[a\r\nb\rc\n\rd]]", "\"tab\tinside\"", "'\"'", "[[]]", "\"\\\\\"",
    ]
  )
  func strings(_ source: String) throws {
    let state = try LuaState()
    let expected = try state.run("return " + source, chunkName: "a.lua")
    let (tokens, error) = LuaLexer.tokens(of: Array(source.utf8))
    #expect(error == nil)
    #expect(tokens.count == 2)
    guard case .string(let value) = tokens[0].kind else {
      Issue.record("\(tokens)")
      return
    }
    #expect([.string(value)] == expected)
  }

  @Test("comments, numbers and operators are separate tokens with their places")
  func tokens() {
    let source = "#!shebang\n-- line\n--[[ block\n]] x=0x1p-4+3.e+2..y--[==[]==]\r\n  .5 a.b::c ... // ~="
    let (tokens, _) = LuaLexer.tokens(of: Array(source.utf8))
    #expect(
      tokens.map(\.kind) == [
        .name("x"), .symbol("="), .number("0x1p-4"), .symbol("+"), .number("3.e+2..y"), .number(".5"),
        .name("a"), .symbol("."),
        .name("b"), .symbol("::"), .name("c"), .symbol("..."), .symbol("//"), .symbol("~="), .end,
      ]
    )
    #expect(tokens[0] == LuaToken(kind: .name("x"), line: 4, column: 4))
    #expect(tokens[5] == LuaToken(kind: .number(".5"), line: 5, column: 3))
  }

  @Test(
    "source that is not Lua is an error with its line",
    arguments: [
      "\n\"open", "\n[[open", "\n--[[open", "\n'\\q'", "\n'\\300'", "\n'\\u{110000000}'", "\n'\\xg0'",
    ]
  )
  func errors(_ source: String) {
    let (tokens, error) = LuaLexer.tokens(of: Array(source.utf8))
    #expect(error?.line == 2)
    #expect(tokens.last?.kind == .end)
  }

  @Test("the scanner accepts every prefix of a script and every changed byte")
  func robustness() {
    let source = Array(
      "test('a', {tags={'x'}}, function(t) local s = [==[ ]==] .. \"\\u{41}\\x41\\z \" end) -- [[".utf8
    )
    for length in 0...source.count { _ = LuaSourceScanner.scan(Array(source.prefix(length))) }
    for index in source.indices {
      for byte in [0, 10, 34, 39, 40, 41, 91, 92, 93, 123, 125, 255] as [UInt8] {
        var changed = source
        changed[index] = byte
        _ = LuaSourceScanner.scan(changed)
      }
    }
  }
}
