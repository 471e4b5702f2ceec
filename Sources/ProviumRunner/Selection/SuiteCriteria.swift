import ProviumRuntime
import ProviumScripts

/// The files of a suite that the user asked for, and their order.
package struct SuiteCriteria: Sendable {
  /// `-f`: parts of paths, as reports or as messages show them. Empty: all files.
  package var filters: [String] = []
  package var tests = TestSelection()
  package var shard: Shard?
  /// `--durations`.
  package var durations: RecordedDurations?
  package var rerunFailed = false
  package var failedFirst = false
  /// `--since`: a Git revision.
  package var since: String?
  /// The seed of a random order; nil: the order of the suite.
  package var seed: UInt64?

  package init() {}
}

/// The duration of each file in an earlier run.
package struct RecordedDurations: Sendable {
  /// The path of the record, for messages.
  let path: String
  /// Seconds by file name.
  let seconds: [String: Double]

  package init(path: String, seconds: [String: Double]) {
    self.path = path
    self.seconds = seconds
  }

  /// Keeps the durations of `files`.
  /// - Throws: `SelectionError.noDurations` if the record has none of them.
  func restricted(to files: [TestFile]) throws -> [String: Double] {
    let names = Set(files.map(\.name))
    let known = seconds.filter { names.contains($0.key) }
    guard !known.isEmpty else { throw SelectionError.noDurations(path) }
    return known
  }
}
