import ProviumSystem
import Testing

@Suite("What provium test selects") struct SelectionTests {
  private static let nested = """
    test("plain", function() end)
    test("net one", {tags = {"net"}}, function() end)
    test("outer", function()
      print("on the way")
      test("inner", function() end)
      test("other", function() end)
    end)
    test("tagged outer", {tags = {"fs"}}, function() test("deep", {tags = {"net"}}, function() end) end)
    """
  private let suite: QuickSuite

  init() throws {
    suite = try QuickSuite([
      "a.lua": Self.nested,
      "net/b.lua": "test('good', function() end)\ntest('late', {slow = true}, function() end)\n",
      "helpers/h.lua": "return {}\n",
    ])
  }

  @Test("a tag takes tests that have it, and no untagged one") func tag() throws {
    #expect(
      try suite.results("--tag", "net") == ["a.lua / net one: passed", "a.lua / tagged outer / deep: passed"]
    )
    #expect(try suite.results("--tag", "net", "--no-tag", "fs") == ["a.lua / net one: passed"])
  }

  @Test("a tag that is not wanted leaves out its tests alone") func noTag() throws {
    #expect(
      try suite.results("--no-tag", "net") == [
        "a.lua / plain: passed", "a.lua / outer / inner: passed", "a.lua / outer / other: passed",
        "a.lua / outer: passed", "a.lua / tagged outer: passed", "helpers/h.lua: passed",
        "net/b.lua / good: passed", "net/b.lua / late: skipped",
      ]
    )
  }

  @Test("a nested test is found by its own name; what holds it only leads to it") func nested() throws {
    let command = try suite.test("--test", "inner")
    #expect(command.status == .exited(0))
    #expect(command.output.contains("· outer / inner ... ok"))
    #expect(command.output.contains("ok: 1 file passed\n"), "\(command.text)")
    #expect(!command.output.contains("helper"), "files without a selected test are none")
    #expect(try suite.results("--test", "inner") == ["a.lua / outer / inner: passed"])
  }

  @Test("a test that only leads to the selected one fails the file when it fails") func failingContainer()
    throws
  {
    let suite = try QuickSuite([
      "a.lua": "test('outer', function() test('inner', function() end) error('after') end)\n"
    ])
    #expect(
      try suite.results("--test", "inner") == ["a.lua / outer / inner: passed", "a.lua / outer: failed"]
    )
  }

  @Test(
    "a name or tag that no test has is an error that names the nearest one",
    arguments: [
      (["--test", "inenr"], "there is no sub-test whose name contains 'inenr' (did you mean 'inner'?)"),
      (["--tag", "nett"], "with the tag 'nett' (did you mean 'net'?)"),
      (["--test", "good", "--tag", "net"], "whose name contains 'good', with the tag 'net'"),
      (["-f", "nowhere"], "no test file's path contains 'nowhere'"),
    ]
  )
  func nothing(arguments: [String], message: String) throws {
    let command = try suite.run(["test"] + arguments)
    #expect(command.status == .exited(2))
    #expect(command.errors.contains(message), "\(command.text)")
  }

  @Test("a name that running does not reveal either is the same error") func neverDefined() throws {
    let suite = try QuickSuite(["a.lua": "for i = 1, 2 do test('case ' .. i, function() end) end\n"])
    #expect(try suite.results("--test", "case 2") == ["a.lua / case 2: passed"])
    let command = try suite.test("--test", "case 3")
    #expect(command.status == .exited(2))
    #expect(command.output.contains("a.lua ... skipped: no sub-test of it is selected"), "\(command.text)")
    #expect(command.errors.contains("there is no sub-test whose name contains 'case 3'"))
  }

  @Test("slow tests run when they are included") func slow() throws {
    #expect(try suite.results("-f", "b.lua") == ["net/b.lua / good: passed", "net/b.lua / late: skipped"])
    #expect(
      try suite.results("-f", "b.lua", "--include-slow") == [
        "net/b.lua / good: passed", "net/b.lua / late: passed",
      ]
    )
  }

  @Test("a filter matches the name that reports show and the path that failures show") func filter() throws {
    for filter in ["net/b", "tests/net", "tests/net/b.lua"] {
      #expect(try suite.list("-f", filter) == ["net/b.lua"])
    }
  }

  @Test("--shuffle prints its seed, and --seed repeats the order") func shuffle() throws {
    for arguments in [["--shuffle"], ["--shuffle", "tests"]] {
      let command = try suite.run(["test"] + arguments)
      #expect(command.status == .exited(0))
      #expect(command.output.contains("shuffled with seed"), "\(command.text)")
    }
    let files = Dictionary(uniqueKeysWithValues: (1...20).map { ("\($0).lua", "test('t', function() end)") })
    let many = try QuickSuite(files)
    let orders = try ["7", "7", "8"].map { try many.list("--shuffle", "--seed", $0) }
    #expect(orders[0] == orders[1])
    #expect(orders[0] != orders[2])
    #expect(try many.list() == files.keys.sorted())
  }

  @Test("list shows the same selection, and as JSON") func list() throws {
    #expect(try suite.list("--test", "inner") == ["a.lua"])
    let lines = try suite.run(["list", "--json", "--tag", "net"]).output
    #expect(lines.split(separator: "\n").count == 2)
    #expect(lines.contains("\"name\":\"tagged outer / deep\""), "\(lines)")
  }

  @Test(
    "amounts of nothing, and flags that say nothing together, are errors",
    arguments: [
      ["--timeout", "0"], ["--mem", "0", "--cpus", "1"], ["--flaky"], ["--repeat", "0"],
      ["--flaky", "--repeat", "1"], ["--seed", "7"], ["--shuffle=7"],
    ]
  )
  func usage(arguments: [String]) throws { #expect(try suite.run(["test"] + arguments).status == .exited(2)) }
}

@Suite("Two roots with files of the same name") struct TwoRootTests {
  @Test("are told apart in results, reports and history") func apart() throws {
    let suite = try QuickSuite(
      ["u/x.lua": "test('t', function() end)\n", "i/x.lua": "test('t', function() assert(false) end)\n"],
      roots: ["u", "i"]
    )
    #expect(try suite.results("--junit", "j.xml") == ["u/x.lua / t: passed", "i/x.lua / t: failed"])
    let junit = try Files.readText("\(suite.project.path)/j.xml")
    #expect(junit.contains("name=\"u/x.lua\"") && junit.contains("name=\"i/x.lua\""))
    #expect(try suite.list("--rerun-failed") == ["x.lua"].map { "i/\($0)" })
    let history = try suite.run(["history", "u/x.lua / t"]).output
    #expect(history.contains("passed") && !history.contains("failed"), "\(history)")
  }
}
