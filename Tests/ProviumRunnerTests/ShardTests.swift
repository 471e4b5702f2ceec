import ProviumRuntime
import ProviumScripts
import Testing

@testable import ProviumRunner

@Suite("A shard") struct ShardTests {
  private let files = (1...20).map { TestFile(name: "\($0).lua", path: "/t/\($0).lua", root: "/t") }

  @Test("and its siblings together are all files, each once", arguments: 1...7)
  func partition(total: Int) throws {
    let shards = try (1...total).map { index in
      try #require(Shard(index: index, total: total)).files(of: files, durations: ["3.lua": 9, "7.lua": 0])
    }
    #expect(shards.flatMap { $0 }.map(\.name).sorted() == files.map(\.name).sorted())
  }

  @Test("has about as much to do as its siblings") func balance() throws {
    let durations = Dictionary(
      uniqueKeysWithValues: files.map { ($0.name, Double($0.name.dropLast(4)) ?? 0) }
    )
    let loads = try (1...3).map { index in
      try #require(Shard(index: index, total: 3)).files(of: files, durations: durations)
        .reduce(0) { $0 + (durations[$1.name] ?? 0) }
    }
    #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= 2)
  }

  @Test("without durations is dealt out by name: the same for every order of the files") func dealt() throws {
    let shard = try #require(Shard(index: 2, total: 3))
    let names = shard.files(of: files).map(\.name)
    #expect(names.count == 7)
    #expect(shard.files(of: files.reversed()).map(\.name) == names.reversed())
  }

  @Test(
    "is found in the variables of Bazel, GitLab and Kubernetes",
    arguments: [
      (["TEST_SHARD_INDEX": "0", "TEST_TOTAL_SHARDS": "3"], "1/3"),
      (["CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "4"], "2/4"),
      (["JOB_COMPLETION_INDEX": "4", "PROVIUM_SHARDS": "5"], "5/5"),
      (["JOB_COMPLETION_INDEX": "4"], "error"), (["PROVIUM_SHARDS": "5"], "error"),
      (["TEST_SHARD_INDEX": "0"], "error"), (["TEST_TOTAL_SHARDS": "2"], "error"),
      (["CI_NODE_INDEX": "1"], "error"), (["CI_NODE_TOTAL": "2"], "error"),
      // Every job of GitLab's has it.
      (["CI_NODE_TOTAL": "1"], "none"), ([:], "none"),
      (["JOB_COMPLETION_INDEX": "9223372036854775807", "PROVIUM_SHARDS": "9223372036854775807"], "error"),
      (["CI_NODE_INDEX": "5", "CI_NODE_TOTAL": "4"], "error"),
    ]
  )
  func environment(variables: [String: String], expected: String) {
    let found: String
    do { found = try Shard.fromEnvironment { variables[$0] }?.description ?? "none" } catch {
      found = "error"
      #expect(variables.keys.allSatisfy("\(error)".contains), "\(error)")
    }
    #expect(found == expected)
  }

  @Test(
    "is written index/total",
    arguments: [("1/2", true), ("0/2", false), ("3/2", false), ("x", false), ("1/2/3", false)]
  )
  func syntax(text: String, valid: Bool) { #expect((Shard(text) != nil) == valid) }
}
