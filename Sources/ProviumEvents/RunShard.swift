package import ProviumJSON

/// The part of a suite that a run has, where the suite is split across hosts.
package struct RunShard: Sendable, Codable, Hashable {
  /// Counted from 1.
  package var index: Int
  package var total: Int
  /// Whether files were weighed by their durations in an earlier run. Otherwise they were dealt out by name.
  @EmptyWhenAbsent package var isBalanced: Bool
  /// All files of the suite.
  @EmptyWhenAbsent package var suite: [String]
  /// The files of this shard, including those that do not run this time.
  @EmptyWhenAbsent package var part: [String]

  private enum CodingKeys: String, CodingKey {
    case index, total
    case isBalanced = "balanced"
    case suite, part
  }

  package init(index: Int, total: Int, isBalanced: Bool, suite: [String], part: [String]) {
    self.index = index
    self.total = total
    self.isBalanced = isBalanced
    self.suite = suite
    self.part = part
  }
  /// `2/5`.
  package var name: String { "\(index)/\(total)" }
}
