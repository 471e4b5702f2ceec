import ProviumSystem
import Testing

@Suite("provium test --shard") struct ShardCommandTests {
  private let suite: QuickSuite
  private static let names = (1...8).map { "s\($0).lua" }

  init() throws {
    // Each takes another time, so that a split by what ran last would move.
    let files = Self.names.enumerated().map { number, name in
      (
        name,
        "test('t', function() local t = os.clock() while os.clock() - t < 0.00\(8 - number) do end end)\n"
      )
    }
    suite = try QuickSuite(Dictionary(uniqueKeysWithValues: files))
  }

  @discardableResult
  private func shard(_ part: String, _ arguments: String...) throws -> Command {
    try suite.run(["test", "--shard", part, "--json", "\(part.prefix(1)).json"] + arguments)
  }

  private func merge(_ reports: String..., arguments: [String] = []) throws -> Command {
    try suite.run(["report", "merge"] + reports + arguments)
  }

  @Test("run one after the other, the shards are all files, each once, whatever was recorded between them")
  func whole() throws {
    for index in 1...3 { #expect(try shard("\(index)/3").status == .exited(0)) }
    let merged = try merge(
      "1.json",
      "2.json",
      "3.json",
      arguments: ["--junit", "all.xml", "--json", "all.json"]
    )
    #expect(merged.status == .exited(0), "\(merged.text)")
    #expect(merged.output == "ok: 8 files passed\n")
    for name in Self.names { #expect(try Files.readText("\(suite.project.path)/all.xml").contains(name)) }
    let listed = try (1...3).flatMap { try suite.list("--shard", "\($0)/3") }
    #expect(listed.sorted() == Self.names)
  }

  @Test("balanced by the durations of an earlier run, which all are given") func balanced() throws {
    // One file takes as long as all the others.
    var lines = try suite.run(["test", "--json", "-", "-q"]).output.split(separator: "\n").map(String.init)
    lines = lines.map { line in
      guard line.contains("\"event\":\"file_ended\"") else { return line }
      let seconds = line.contains("\"file\":\"s8.lua\"") ? "7.0" : "1.0"
      return line.replacing(
        /"duration":[0-9.e-]+,"output":"","helper"/,
        with: "\"duration\":\(seconds),\"output\":\"\",\"helper\""
      )
    }
    try suite.project.write(lines.joined(separator: "\n") + "\n", to: "durations.json")
    #expect(try suite.list("--shard", "1/2", "--durations", "durations.json") == ["s8.lua"])
    #expect(try suite.list("--shard", "2/2", "--durations", "durations.json") == Self.names.dropLast())
    let command = try shard("1/2", "--durations", "durations.json")
    #expect(command.output.contains("shard 1/2: 1 of 8 files, balanced by durations"), "\(command.text)")
    #expect(try shard("2/2").output.contains("shard 2/2: 4 of 8 files, dealt out by name"))
    let merged = try merge("1.json", "2.json")
    #expect(merged.status == .exited(2))
    #expect(
      merged.errors.hasPrefix(
        """
        provium: no shard had s1.lua, s3.lua, s5.lua, s7.lua to run
        provium: several shards had s8.lua to run: were they given the same --durations?
        """
      ),
      "\(merged.text)"
    )
    try suite.project.write("", to: "empty.json")
    #expect(try shard("1/2", "--durations", "empty.json").errors.contains("has none of these files"))
  }

  @Test("merge fails when a shard is missing, is there twice, or broke off") func incomplete() throws {
    for index in 1...2 { try shard("\(index)/2") }
    let missing = try merge("1.json")
    #expect(missing.status == .exited(2))
    #expect(missing.errors == "provium: missing shards: 2/2\n")
    let twice = try merge("1.json", "1.json", "2.json")
    #expect(twice.status == .exited(2))
    #expect(twice.errors.contains("provium: s1.lua ran in several: 1.json, 1.json\n"), "\(twice.text)")
    try suite.project.shell("head -n -1 2.json | head -c -20 > cut.json")
    let cut = try merge("1.json", "cut.json")
    #expect(cut.status == .exited(2))
    #expect(cut.errors.contains("cut.json: broke off in the middle of a line"), "\(cut.text)")
  }

  @Test("merge fails as the tests did") func failed() throws {
    try suite.project.write("test('t', function() assert(false) end)\n", to: "tests/s1.lua")
    for index in 1...2 { try shard("\(index)/2") }
    #expect(try merge("1.json", "2.json").status == .exited(1))
  }

  @Test(
    "the variables of Bazel, GitLab and Kubernetes choose the shard",
    arguments: [
      ["TEST_SHARD_INDEX": "1", "TEST_TOTAL_SHARDS": "3", "TEST_SHARD_STATUS_FILE": "honoured"],
      ["CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "3"], ["JOB_COMPLETION_INDEX": "1", "PROVIUM_SHARDS": "3"],
    ]
  ) func environment(variables: [String: String]) throws {
    let second = try suite.list("--shard", "2/3")
    #expect(try suite.list(environment: variables) == second)
    let command = try suite.run(["test"], variables)
    #expect(command.output.contains("shard 2/3: \(second.count) of 8 files"), "\(command.text)")
    if let status = variables["TEST_SHARD_STATUS_FILE"] {
      #expect(Files.exists("\(suite.project.path)/\(status)"))
    }
    // The flag's word counts.
    #expect(try suite.list("--shard", "1/1", environment: variables).count == 8)
  }

  @Test(
    "half of the variables is an error that says what to set",
    arguments: [
      (["JOB_COMPLETION_INDEX": "4"], "set PROVIUM_SHARDS to the job's completions"),
      (["TEST_SHARD_INDEX": "0"], "without TEST_TOTAL_SHARDS"),
      (["CI_NODE_TOTAL": "2"], "without CI_NODE_INDEX"),
      (["CI_NODE_INDEX": "0", "CI_NODE_TOTAL": "2"], "GitLab counts from 1"),
    ]
  ) func half(variables: [String: String], message: String) throws {
    for name in ["test", "list"] {
      let command = try suite.run([name], variables)
      #expect(command.status == .exited(2))
      #expect(command.errors.contains(message), "\(command.text)")
    }
  }

  @Test("a shard without files passes; what this machine remembers takes no file to another shard")
  func empty() throws {
    #expect(try shard("9/9").status == .exited(0))
    try suite.project.write("test('t', function() assert(false) end)\n", to: "tests/s1.lua")
    try suite.test()
    let rerun = try (1...2).map { try suite.list("--shard", "\($0)/2", "--rerun-failed") }
    #expect(rerun == [["s1.lua"], []])
  }
}
