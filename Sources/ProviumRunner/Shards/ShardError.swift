/// Sharding variables that do not identify a shard.
package struct ShardError: Error, CustomStringConvertible {
  let reason: String
  let advice: String

  package var description: String {
    "the environment asks for a shard but does not identify it: \(reason) (\(advice); or use --shard INDEX/TOTAL)"
  }
}
