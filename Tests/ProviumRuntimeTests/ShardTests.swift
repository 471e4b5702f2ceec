import Testing

@testable import ProviumRuntime

@Suite("A shard") struct ShardTests {
  private let files = (1...20).map { TestFile(name: "\($0).lua", path: "/t/\($0).lua", root: "/t") }

  @Test("and its siblings together are all files, each once", arguments: 1...7)
  func partition(total: Int) throws {
    let shards = try (1...total).map { index in
      try #require(Shard(index: index, total: total)).files(of: files) { Double($0.name.count) }
    }
    #expect(shards.flatMap { $0 }.map(\.name).sorted() == files.map(\.name).sorted())
  }

  @Test("has about as much to do as its siblings") func balance() throws {
    func duration(_ file: TestFile) -> Double { Double(file.name.dropLast(4)) ?? 0 }
    let loads = try (1...3).map { index in
      try #require(Shard(index: index, total: 3)).files(of: files, duration: duration).map(duration).reduce(
        0,
        +
      )
    }
    #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= 2)
  }

  @Test(
    "is found in the variables of Bazel, GitLab and Kubernetes",
    arguments: [
      (["TEST_SHARD_INDEX": "0", "TEST_TOTAL_SHARDS": "3"], "1/3"),
      (["CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "4"], "2/4"),
      (["JOB_COMPLETION_INDEX": "4", "PROVIUM_SHARDS": "5"], "5/5"),
      (["JOB_COMPLETION_INDEX": "4"], "none"),
      (["CI_NODE_INDEX": "5", "CI_NODE_TOTAL": "4"], "error"),
    ]
  )
  func environment(variables: [String: String], expected: String) {
    let found: String
    do { found = try Shard.fromEnvironment { variables[$0] }?.description ?? "none" } catch {
      found = "error"
    }
    #expect(found == expected)
  }

  @Test(
    "is written index/total",
    arguments: [("1/2", true), ("0/2", false), ("3/2", false), ("x", false), ("1/2/3", false)]
  )
  func syntax(text: String, valid: Bool) { #expect((Shard(text) != nil) == valid) }
}

@Suite("A selection of sub-tests") struct TestSelectionTests {
  @Test("runs an outer test for the sake of a selected inner one") func nested() {
    var selection = TestSelection()
    selection.names = ["outer / inner"]
    #expect(selection.decide(path: ["outer"], tags: [], isSlow: false) == .run)
    #expect(selection.decide(path: ["outer", "inner"], tags: [], isSlow: false) == .run)
    #expect(selection.decide(path: ["outer", "other"], tags: [], isSlow: false) == .leaveOut)
  }

  @Test("skips slow tests by name unless they are included") func slow() {
    var selection = TestSelection()
    #expect(selection.decide(path: ["a"], tags: [], isSlow: true) == .skip("slow (run with --include-slow)"))
    selection.includesSlow = true
    #expect(selection.decide(path: ["a"], tags: [], isSlow: true) == .run)
  }

  @Test("narrows by tags") func tags() {
    var selection = TestSelection()
    selection.tags = ["net"]
    selection.excludedTags = ["flaky"]
    #expect(selection.decide(path: ["a"], tags: ["net"], isSlow: false) == .run)
    #expect(selection.decide(path: ["a"], tags: ["net", "flaky"], isSlow: false) == .leaveOut)
    #expect(selection.decide(path: ["a"], tags: ["fs"], isSlow: false) == .leaveOut)
  }
}
