import ProviumSystem

/// One of several parts of a suite, each run elsewhere: `--shard 2/5`, or what the CI's environment says.
package struct Shard: Sendable, Hashable, CustomStringConvertible {
  /// From 1.
  package let index: Int
  package let total: Int
  /// A file to touch, so that Bazel knows that sharding was honoured.
  package var statusFile: String?

  package init?(index: Int, total: Int) {
    guard total >= 1, (1...total).contains(index) else { return nil }
    self.index = index
    self.total = total
  }

  /// `2/5`.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let index = parts[0], let total = parts[1] else { return nil }
    self.init(index: index, total: total)
  }

  package var description: String { "\(index)/\(total)" }

  /// What a CI engine tells the processes that it starts side by side.
  private struct Engine {
    let name: String
    let index: String
    let total: String
    /// The first index.
    let first: Int
    /// Who sets the total.
    let advice: String
  }

  private static let engines = [
    Engine(
      name: "Bazel",
      index: "TEST_SHARD_INDEX",
      total: "TEST_TOTAL_SHARDS",
      first: 0,
      advice: "Bazel sets both for a test with shard_count"
    ),
    Engine(
      name: "GitLab",
      index: "CI_NODE_INDEX",
      total: "CI_NODE_TOTAL",
      first: 1,
      advice: "GitLab sets both for a job with parallel"
    ),
    Engine(
      name: "a Kubernetes indexed job",
      index: "JOB_COMPLETION_INDEX",
      total: "PROVIUM_SHARDS",
      first: 0,
      advice: "Kubernetes does not tell a pod how many there are: set PROVIUM_SHARDS to the job's completions"
    ),
  ]

  /// The environment's word on it, or nil when it says nothing, or that there is but one part.
  ///
  /// Bazel: `TEST_SHARD_INDEX` from 0, `TEST_TOTAL_SHARDS`, `TEST_SHARD_STATUS_FILE`. GitLab: `CI_NODE_INDEX` from 1,
  /// `CI_NODE_TOTAL`. Kubernetes indexed jobs: `JOB_COMPLETION_INDEX` from 0; the number of completions is not in
  /// a pod's environment, so `PROVIUM_SHARDS` must give it.
  /// - Throws: `ShardError` when one variable lacks the other, or they make no sense: to run everything in each part, or
  ///   nothing, would be worse.
  package static func fromEnvironment(_ variable: (String) -> String? = { Environment[$0] }) throws -> Shard?
  {
    for engine in engines {
      let (index, total) = (variable(engine.index), variable(engine.total))
      switch (index, total) {
      case (nil, nil): continue
      // GitLab's jobs without `parallel` have only the total.
      case (nil, "1"): continue
      case (nil, let total?):
        throw ShardError(reason: "\(engine.total)=\(total) without \(engine.index)", advice: engine.advice)
      case (let index?, nil):
        throw ShardError(reason: "\(engine.index)=\(index) without \(engine.total)", advice: engine.advice)
      case (let index?, let total?):
        guard let number = Int(index), let count = Int(total),
          number >= engine.first, number - engine.first < count,
          var shard = Shard(index: number - engine.first + 1, total: count)
        else {
          throw ShardError(
            reason: "\(engine.index)=\(index) \(engine.total)=\(total)",
            advice: "\(engine.name) counts from \(engine.first)"
          )
        }
        if engine.index == "TEST_SHARD_INDEX" { shard.statusFile = variable("TEST_SHARD_STATUS_FILE") }
        return shard
      }
    }
    return nil
  }

  /// The files of this shard, in their order. Nothing but the arguments decides: shards that are given the same files and
  /// the same durations agree, wherever and whenever they run.
  ///
  /// Each file, the longest first, goes to the shard with the least to do. Without durations that deals the files out in
  /// the order of their names.
  /// - Parameter durations: seconds by name, of a record that all shards share; files without one count as the median of
  ///   the others.
  package func files(of all: [TestFile], durations: [String: Double] = [:]) -> [TestFile] {
    let known = all.compactMap { durations[$0.name] }.sorted()
    let typical = known.isEmpty ? 1 : known[known.count / 2]
    let weighted = all.map { (file: $0, weight: max(durations[$0.name] ?? typical, 0.001)) }
      .sorted { ($1.weight, $0.file.name) < ($0.weight, $1.file.name) }
    var loads = [Double](repeating: 0, count: total)
    var mine: Set<TestFile> = []
    for (file, weight) in weighted {
      let lightest = loads.indices.min { (loads[$0], $0) < (loads[$1], $1) } ?? 0
      loads[lightest] += weight
      if lightest == index - 1 { mine.insert(file) }
    }
    return all.filter(mine.contains)
  }
}

/// Sharding variables that do not say which part this is.
package struct ShardError: Error, CustomStringConvertible {
  let reason: String
  let advice: String

  package var description: String {
    "the environment asks for a part of the suite, but not which: \(reason) (\(advice); or say --shard INDEX/TOTAL)"
  }
}

/// `--shuffle`: another order by a seed, the same on every machine.
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  /// SplitMix64.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
