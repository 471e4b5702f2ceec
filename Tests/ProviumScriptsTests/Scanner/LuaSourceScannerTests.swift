import Testing

@testable import ProviumScripts

@Suite("Tests found by reading a script")
struct LuaSourceScannerTests {
  private func scan(_ source: String) -> ScannedScript { LuaSourceScanner.scan(Array(source.utf8)) }

  @Test("tests are listed in order, nested, with their places")
  func nesting() {
    let script = scan(
      """
      local vm = provium.create()
      test("first", function(t)
        if x then y() elseif z then for i = 1, 2 do end else while true do break end end
        repeat local f = function() end until f
        test("inner", function() end)
          test('deeper "one"', function() test("deepest", function() end) end)
      end)
      test("second", {}, function() end)
      -- test("commented", function() end)
      local s = [[ test("in a string", function() end) ]]
      """
    )
    #expect(
      script.listed.map(\.name) == [
        "first", "first / inner", "first / deeper \"one\"", "first / deeper \"one\" / deepest", "second",
      ]
    )
    #expect(script.listed.map(\.test.line) == [2, 5, 6, 6, 8])
    #expect(script.listed.map(\.test.column) == [1, 3, 5, 37, 1])
    #expect(script.listed.allSatisfy { !$0.test.isConditional })
    #expect(!script.hasDynamicTests)
    #expect(script.error == nil)
  }

  @Test("a computed name is dynamic, a name of joined literals is not")
  func dynamic() {
    let script = scan(
      """
      for i = 1, 3 do test("case " .. i, function() test("inside", function() end) end) end
      test(name, function() end)
      test("a" .. 'b' .. [[c]], function() end)
      test(("x"):rep(3), {slow = true}, function() end)
      """
    )
    #expect(script.tests.map(\.name) == [.dynamic, .dynamic, .literal("abc"), .dynamic])
    #expect(script.tests.map(\.isConditional) == [true, false, false, false])
    #expect(script.tests[3].isSlow)
    #expect(script.tests[0].children.map(\.name) == [.literal("inside")])
    #expect(script.listed.map(\.name) == ["abc"])
    #expect(script.hasDynamicTests)
  }

  @Test(
    "a file that defines test, skip or todo itself is marked",
    arguments: [
      ("local function test(name, fn) end", true), ("local skip = nil", true), ("function todo() end", true),
      ("test = print", true), ("test('a', { skip = 'b', todo = 1 }, function() end)", false),
      ("t.skip = true; t:test(); local x = { test = 1 }", false),
    ]
  )
  func redefinition(source: String, isOne: Bool) {
    #expect(scan(source).redefinesFunctions == isOne)
  }

  @Test("a test that may not run, or may run twice, is conditional")
  func conditional() {
    let script = scan(
      """
      if kvm then test("a", function() end) elseif x then test("b", function() end) else test("c", function() end) end
      local function helper() test("d", function() end) end
      run(function() test("e", function() end) end)
      test("f", function() if x then test("g", function() end) end test("h", function() end) end)
      do test("i", function() end) end
      test("j", body)
      """
    )
    #expect(script.listed.map(\.name) == ["a", "b", "c", "d", "e", "f", "f / g", "f / h", "i", "j"])
    #expect(
      script.listed.map(\.test.isConditional) == [
        true, true, true, true, true, false, true, false, false, false,
      ]
    )
  }

  @Test("calls of another function named test are not tests")
  func others() {
    let script = scan(
      """
      local function test(name) end
      t.test("a", function() end)
      t:test("b", function() end)
      local test = test
      contest("c", function() end)
      function M.test() end
      """
    )
    #expect(script.tests.isEmpty)
  }

  @Test("the literals of a test's meta are read")
  func meta() {
    let script = scan(
      """
      test("a", {tags = {"net", 'slow'}, timeout = "5s", slow = true, owner = f(1, {2}), ["skip"] = "no kvm"}, function() end)
      test("b", {skip = true; timeout = 2.5}, function() end)
      test("c", {skip = not kvm, tags = "one", x = function() return {1} end}, function() end)
      test("d", function() todo("later") end)
      test("e", function(t) skip() end)
      test("f", function() todo "soon" end)
      test("g", function() if x then skip("maybe") end end)
      test("h", function() skip(reason()) end)
      test("i", meta, function() todo() end)
      """
    )
    let tests = script.tests
    #expect(tests.map(\.name) == "abcdefghi".map { .literal(String($0)) })
    #expect(tests[0].tags == ["net", "slow"])
    #expect(tests[0].timeout == "5s")
    #expect(tests[0].isSlow)
    #expect(tests[1].timeout == "2.5")
    #expect(tests[2].tags == ["one"])
    #expect(
      tests.map(\.exemption) == [
        .skip(reason: "no kvm"), .skip(reason: nil), nil, .todo(reason: "later"), .skip(reason: nil),
        .todo(reason: "soon"),
        nil, .skip(reason: nil), .todo(reason: nil),
      ]
    )
  }

  @Test("computed tags and scripts that load others are marked")
  func unknowns() {
    let script = scan(
      """
      test("a", {tags = {"x", Y}}, function() end)
      test("b", {tags = TAGS}, function() end)
      test("c", meta, function() end)
      test("d", {tags = {"x"; "y"}, slow = f()}, function() end)
      test("e", body)
      test("inner tags", {tags = {"o"}}, function() test("f", {tags = "i"}, function() end) end)
      """
    )
    #expect(script.tests.map(\.hasComputedTags) == [true, true, true, false, false, false])
    #expect(script.listed.last?.tags == ["o", "i"])
    #expect(!script.loadsOthers)
    for source in ["require 'x'", "local h = require(\"x\")", "dofile('x.lua')", "loadfile(x)()"] {
      #expect(scan(source).loadsOthers)
    }
    #expect(!scan("-- require 'x'").loadsOthers)
  }

  @Test(
    "a name that repeats within its parent gets an ordinal, and is certain unless a conditional test has it"
  )
  func ordinals() {
    let script = scan(
      """
      test("a", function() test("x", function() end) test("x", function() end) end)
      test("a", function() test("x", function() end) end)
      test("a #2", function() end)
      for i = 1, 2 do test("b", function() end) end
      test("b", function() end)
      """
    )
    #expect(
      script.listed.map(\.name) == [
        "a", "a / x", "a / x #2", "a #2", "a #2 / x", "a #2 #2", "b", "b #2",
      ]
    )
    #expect(script.tests.map(\.isConditional) == [false, false, false, true, true])
  }

  @Test("a script that is cut off lists the tests before the cut")
  func cutOff() {
    let script = scan("test(\"a\", function() end)\ntest(\"b\", function() local s = \"open")
    #expect(script.listed.map(\.name) == ["a", "b"])
    #expect(script.error?.line == 2)
  }
}
