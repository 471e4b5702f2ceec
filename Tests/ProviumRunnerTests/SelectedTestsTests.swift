import ProviumRuntime
import ProviumScripts
import Testing

@testable import ProviumRunner

@Suite("A selection of sub-tests") struct SelectedTestsTests {
  /// The decision on each sub-test, by name.
  private typealias Decisions = [String: SubTestFilter.Decision]

  private static let source = """
    test("plain", function() end)
    test("net one", {tags = {"net"}}, function() end)
    test("outer", function()
      test("inner", function() end)
      test("other", function() end)
    end)
    test("tagged outer", {tags = {"fs"}}, function()
      test("deep", {tags = {"net"}}, function() end)
    end)
    """

  private func decide(_ change: (inout TestSelection) -> Void, in source: String = source) -> Decisions {
    var selection = TestSelection()
    change(&selection)
    let script = LuaSourceScanner.scan(Array(source.utf8))
    let selected = SelectedTests(selection, in: script)
    let decisions = script.listed.map { listed in
      (listed.name, selected.decide(path: listed.path, tags: listed.tags, isSlow: listed.test.isSlow))
    }
    return Dictionary(uniqueKeysWithValues: decisions).filter { $0.value != .leaveOut }
  }

  private func mayRun(_ source: String, _ change: (inout TestSelection) -> Void) -> Bool {
    var selection = TestSelection()
    change(&selection)
    return SelectedTests(selection, in: LuaSourceScanner.scan(Array(source.utf8))).mayRun
  }

  @Test("by a tag takes no untagged test, and runs an outer one only to come to an inner one") func tags() {
    #expect(
      decide { $0.tags = ["net"] } == [
        "net one": .run, "tagged outer": .contain, "tagged outer / deep": .run,
      ]
    )
    #expect(decide { $0.tags = ["fs"] } == ["tagged outer": .run, "tagged outer / deep": .run])
    #expect(
      decide {
        $0.tags = ["net"]
        $0.excludedTags = ["fs"]
      } == ["net one": .run]
    )
  }

  @Test("by a name finds an inner test", arguments: ["inner", "outer / inner"]) func nested(name: String) {
    #expect(decide { $0.names = [name] } == ["outer": .contain, "outer / inner": .run])
  }

  @Test("by an outer test's name takes those inside") func outer() {
    let all = decide { $0.names = ["outer"] }
    #expect(Set(all.values) == [.run])
    #expect(all.count == 5)
  }

  @Test("skips slow tests by name unless they are included") func slow() {
    let source = "test('a', {slow = true}, function() end)"
    #expect(decide({ $0.names = [] }, in: source) == ["a": .skip("slow (run with --include-slow)")])
    #expect(decide({ $0.includesSlow = true }, in: source) == ["a": .run])
  }

  @Test("runs what may hold a test whose name is computed, and tells by the name") func computed() {
    let source = "test('outer', function() for i = 1, 2 do test('case ' .. i, function() end) end end)"
    var selection = TestSelection()
    selection.names = ["case 2"]
    let selected = SelectedTests(selection, in: LuaSourceScanner.scan(Array(source.utf8)))
    #expect(selected.mayRun)
    #expect(selected.decide(path: ["outer"], tags: [], isSlow: false) == .contain)
    #expect(selected.decide(path: ["outer", "case 1"], tags: [], isSlow: false) == .leaveOut)
    #expect(selected.decide(path: ["outer", "case 2"], tags: [], isSlow: false) == .run)
  }

  @Test("follows a full name also where reading sees nothing") func unseen() {
    var selection = TestSelection()
    selection.names = ["outer / made by a helper"]
    let source = Array("test('outer', function() make() end)".utf8)
    #expect(
      SelectedTests(selection, in: LuaSourceScanner.scan(source))
        .decide(path: ["outer"], tags: [], isSlow: false) == .contain
    )
  }

  @Test(
    "leaves a file out in which reading finds nothing selected, unless only running would tell",
    arguments: [
      ("test('other', function() end)", false), ("return { x = 1 }", false), ("test('wanted', f)", true),
      ("test(name, f)", true), ("require('cases').run()", true), ("test('x', f) test(\"open", true),
      ("local h = require('h') test('other', function() end)", false),
    ]
  )
  func files(source: String, expected: Bool) {
    #expect(mayRun(source) { $0.names = ["wanted"] } == expected)
  }

  @Test(
    "by a tag counts on tags that are computed",
    arguments: [
      ("test('x', {tags = TAGS}, f)", true), ("test('x', {tags = {'a', B}}, f)", true),
      ("test('x', meta, f)", true),
      ("test('x', {tags = {'a'}}, f)", false), ("test('x', f)", false),
    ]
  )
  func computedTags(source: String, expected: Bool) {
    #expect(mayRun(source) { $0.tags = ["net"] } == expected)
  }

  @Test("by a whole name runs a test whose program may print a result of that name") func printed() {
    let source = "test(\"program\", function() end) test(\"other\", function() end)"
    #expect(mayRun(source) { $0.names = ["program / result"] })
    #expect(decide({ $0.names = ["program / result"] }, in: source) == ["program": .contain])
    #expect(!mayRun(source) { $0.names = ["nothing / result"] })
    #expect(!mayRun(Self.source) { $0.names = ["outer / innr"] })
  }
}
