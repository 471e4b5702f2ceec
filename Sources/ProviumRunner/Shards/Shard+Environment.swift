import ProviumSystem

extension Shard {
  /// The variables by which a CI engine numbers the processes of one job.
  private struct Variables {
    let engine: String
    let index: String
    let total: String
    /// The first index.
    let first: Int
    /// How both variables get their values.
    let advice: String
  }

  private static let known = [
    Variables(
      engine: "Bazel",
      index: "TEST_SHARD_INDEX",
      total: "TEST_TOTAL_SHARDS",
      first: 0,
      advice: "Bazel sets both for a test with shard_count"
    ),
    Variables(
      engine: "GitLab",
      index: "CI_NODE_INDEX",
      total: "CI_NODE_TOTAL",
      first: 1,
      advice: "GitLab sets both for a job with parallel"
    ),
    Variables(
      engine: "a Kubernetes indexed job",
      index: "JOB_COMPLETION_INDEX",
      total: "PROVIUM_SHARDS",
      first: 0,
      advice: "Kubernetes does not tell a pod how many there are: set PROVIUM_SHARDS to the job's completions"
    ),
  ]

  /// Reads the shard from the environment; nil if it names none, or only one part.
  ///
  /// Bazel sets `TEST_SHARD_INDEX` from 0, `TEST_TOTAL_SHARDS` and `TEST_SHARD_STATUS_FILE`. GitLab sets `CI_NODE_INDEX` from 1
  /// and `CI_NODE_TOTAL`. Kubernetes sets `JOB_COMPLETION_INDEX` from 0; the number of completions is not in a pod's
  /// environment, so `PROVIUM_SHARDS` must give it.
  /// - Throws: `ShardError` if one variable lacks the other or a value is out of range. Running everything in each part, or
  ///   nothing, would hide the mistake.
  package static func fromEnvironment(_ variable: (String) -> String? = { Environment[$0] }) throws -> Shard?
  {
    for variables in known {
      let (index, total) = (variable(variables.index), variable(variables.total))
      switch (index, total) {
      case (nil, nil): continue
      // A GitLab job without `parallel` has only the total.
      case (nil, "1"): continue
      case (nil, let total?):
        throw ShardError(
          reason: "\(variables.total)=\(total) without \(variables.index)",
          advice: variables.advice
        )
      case (let index?, nil):
        throw ShardError(
          reason: "\(variables.index)=\(index) without \(variables.total)",
          advice: variables.advice
        )
      case (let index?, let total?):
        guard let number = Int(index), let count = Int(total),
          number >= variables.first, number - variables.first < count,
          var shard = Shard(index: number - variables.first + 1, total: count)
        else {
          throw ShardError(
            reason: "\(variables.index)=\(index) \(variables.total)=\(total)",
            advice: "\(variables.engine) counts from \(variables.first)"
          )
        }
        if variables.index == "TEST_SHARD_INDEX" { shard.statusFile = variable("TEST_SHARD_STATUS_FILE") }
        return shard
      }
    }
    return nil
  }
}
