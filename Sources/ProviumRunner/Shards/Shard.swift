import ProviumRuntime
package import ProviumScripts

/// One of several parts of a suite that run on different hosts: `--shard 2/5`, or the environment of a CI engine.
package struct Shard: Sendable, Hashable, CustomStringConvertible {
  /// The number of this part, from 1.
  package let index: Int
  package let total: Int
  /// A file to create, so that Bazel knows that the test supports sharding.
  package var statusFile: String?

  package init?(index: Int, total: Int) {
    guard total >= 1, (1...total).contains(index) else { return nil }
    self.index = index
    self.total = total
  }

  /// Reads `2/5`.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let index = parts[0], let total = parts[1] else { return nil }
    self.init(index: index, total: total)
  }

  package var description: String { "\(index)/\(total)" }

  /// Chooses the files of this shard and keeps their order. The result depends on the arguments alone: shards that are given
  /// the same files and durations agree, wherever and whenever they run.
  ///
  /// Assigns each file, the longest first, to the shard with the least work. Without durations, files are assigned in the
  /// order of their names.
  /// - Parameter durations: Seconds by file name, from a record that all shards share. A file without one counts as the median.
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
