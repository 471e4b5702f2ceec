import Testing

@Suite("Outcomes of scripts")
struct ScriptOutcomeTests {
  @Test("a skip or todo that pcall catches is the outcome of its sub-test, unless that fails")
  func caughtSignals() throws {
    let suite = try QuickSuite([
      "a.lua": """
      test("skip", function() pcall(function() skip("no hardware") end) end)
      test("todo", function() pcall(todo, "later") end)
      test("first", function() pcall(skip) pcall(todo) end)
      test("resume", function() coroutine.resume(coroutine.create(skip)) end)
      test("fails", function() pcall(skip) assert(false) end)
      test("raises again", function() local _, e = pcall(skip) error(e) end)
      test("outer", function() pcall(function() test("inner", function() pcall(skip) end) end) end)
      test("after", function() end)
      """,
      "b.lua": "pcall(skip, 'all of it')",
    ])
    #expect(
      try suite.results() == [
        "a.lua / skip: skipped", "a.lua / todo: todo", "a.lua / first: skipped",
        "a.lua / resume: skipped", "a.lua / fails: failed", "a.lua / raises again: skipped",
        "a.lua / outer / inner: skipped", "a.lua / outer: passed", "a.lua / after: passed",
        "b.lua: skipped",
      ]
    )
  }

  @Test("a failure is reported at its own line, also after an equal one in another sub-test")
  func places() throws {
    let suite = try QuickSuite([
      "a.lua": """
      test("first", function() assert(false, "x") end)
      test("contains", function() error("an x") end)
      test("second", function() assert(false, "x") end)
      test("third", function() assert(1 == 3) end)
      test("fourth", function() assert(1 == 3) end)
      """
    ])
    let command = try suite.test("-p", "1")
    for (line, text) in [(1, "x"), (2, "an x"), (3, "x"), (4, "assertion failed!"), (5, "assertion failed!")]
    {
      #expect(command.text.contains("tests/a.lua:\(line)"), "\(command.text)")
      #expect(command.text.contains(text))
    }
    #expect(command.exitCode == 1)
  }

  @Test("sub-tests of one name all run, and are told apart by an ordinal in results, lists and selections")
  func ordinals() throws {
    let suite = try QuickSuite([
      "a.lua": """
      for i = 1, 2 do test("loop", function() end) end
      test("a", function() end)
      test("a", function() test("in", function() end) test("in", function() assert(false) end) end)
      """
    ])
    let all = [
      "a.lua / loop: passed", "a.lua / loop #2: passed", "a.lua / a: passed", "a.lua / a #2 / in: passed",
      "a.lua / a #2 / in #2: failed", "a.lua / a #2: failed",
    ]
    #expect(try suite.results() == all)
    #expect(try suite.results("--test", "a #2 / in #2") == Array(all[4...4]))
    #expect(try suite.results("--test", "loop #2") == Array(all[1...1]))
    let list = try suite.run(["list"]).output
    for name in ["a", "a #2", "a #2 / in", "a #2 / in #2", "loop"] { #expect(list.contains(name), "\(list)") }
  }

  @Test("sub-tests nested too deeply get an error with a line")
  func nesting() throws {
    let suite = try QuickSuite([
      "a.lua": """
      local function nest(n)
        test("level " .. n, function() if n < 1000 then nest(n + 1) end end)
      end
      nest(1)
      """,
      "b.lua": """
      local function nest(n)
        test("level " .. n, function() if n < 24 then nest(n + 1) end end)
      end
      nest(1)
      """,
    ])
    let deep = try suite.test("-p", "1", "tests/a.lua")
    #expect(deep.text.contains("tests/a.lua:2: test: sub-tests are nested more than 24 deep"), "\(deep.text)")
    #expect(deep.exitCode == 1)
    #expect(try suite.test("tests/b.lua").exitCode == 0)
  }

  @Test("an error value whose __tostring fails is reported as that")
  func failingTostring() throws {
    let suite = try QuickSuite([
      "a.lua": "test('t', function() error(setmetatable({}, {__tostring = function() error('no') end})) end)"
    ])
    let command = try suite.test()
    #expect(
      command.text.contains("error value: a table whose __tostring fails: tests/a.lua:1: no"),
      "\(command.text)"
    )
  }

  @Test(
    "provium.pack takes every value of u64, and two's complement in unsigned fields",
    arguments: [
      #"assert_eq("\0\0\0\0\0\0\0\128", provium.pack("u64", 2^63))"#,
      #"assert_eq("\0\248\255\255\255\255\255\255", provium.pack("u64", 18446744073709549568))"#,
      #"assert_eq("\255\255\255\255", provium.pack("u32", -1))"#,
      #"assert_eq("\3\0", provium.pack("u16", 3.0))"#,
      #"assert_eq(-1, provium.unpack("u64", provium.pack("u64", -1)))"#,
      #"assert_error(function() provium.pack("u64", 2^64) end, "value 1")"#,
      #"assert_error(function() provium.pack("i64", 2^63) end, "out of the range of 'i64'")"#,
      #"assert_error(function() provium.pack("u64", 0.5) end, "integer")"#,
      #"assert_error(function() provium.pack("u8", -129) end, "out of the range of 'u8'")"#,
    ]
  )
  func pack(script: String) throws {
    let command = try QuickSuite(["a.lua": "test('t', function() \(script) end)"]).test()
    #expect(command.exitCode == 0, "\(command.text)")
  }

  @Test("the duration of a sub-test is that of its function, not of the work that follows a failure")
  func duration() throws {
    let suite = try QuickSuite([
      "a.lua": "on_failure(function() provium.sleep('400ms') end) test('t', function() error('wrong') end)"
    ])
    let command = try suite.test("--json", "-")
    let line = try #require(command.output.split(separator: "\n").first { $0.contains("\"subtest_ended\"") })
    let match = try #require(line.firstMatch(of: /"duration":(?<seconds>[0-9.e-]+)/))
    #expect(try #require(Double(match.seconds)) < 0.3, "\(line)")
  }
}
