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

  /// The environment's word on it, or nil when it says nothing.
  ///
  /// Bazel: `TEST_SHARD_INDEX` from 0, `TEST_TOTAL_SHARDS`, `TEST_SHARD_STATUS_FILE`. GitLab: `CI_NODE_INDEX` from 1,
  /// `CI_NODE_TOTAL`. Kubernetes indexed jobs: `JOB_COMPLETION_INDEX` from 0; the number of completions is not in
  /// a pod's environment, so `PROVIUM_SHARDS` must give it.
  /// - Throws: `ShardError` when the variables are there and make no sense.
  package static func fromEnvironment(_ variable: (String) -> String? = { Environment[$0] }) throws -> Shard?
  {
    let engines: [(index: String, total: String, first: Int)] = [
      ("TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS", 0), ("CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
      ("JOB_COMPLETION_INDEX", "PROVIUM_SHARDS", 0),
    ]
    for engine in engines {
      guard let index = variable(engine.index), let total = variable(engine.total) else { continue }
      guard let number = Int(index), let count = Int(total),
        var shard = Shard(index: number - engine.first + 1, total: count)
      else {
        throw ShardError(
          variables: "\(engine.index)=\(index) \(engine.total)=\(total)",
          first: engine.first
        )
      }
      if engine.index == "TEST_SHARD_INDEX" { shard.statusFile = variable("TEST_SHARD_STATUS_FILE") }
      return shard
    }
    return nil
  }

  /// The files of this shard, in their order. The longest go first, each to the shard with the least to do, so the
  /// shards end at about the same time; every shard computes the same split from the same durations.
  /// - Parameter duration: seconds of the last run; files without one count as the median of the others.
  package func files(of all: [TestFile], duration: (TestFile) -> Double?) -> [TestFile] {
    let known = all.compactMap(duration).sorted()
    let typical = known.isEmpty ? 1 : known[known.count / 2]
    let weighted = all.map { (file: $0, weight: max(duration($0) ?? typical, 0.001)) }
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

/// Sharding variables that contradict each other.
package struct ShardError: Error, CustomStringConvertible {
  let variables: String
  let first: Int

  package var description: String {
    "the environment asks for a shard that is none: \(variables) (the index counts from \(first))"
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
