import ProviumSystem

/// How a run is to go: what the command line, the environment or the testing bridge ask for.
package struct RunOptions: Sendable {
  /// Files that run at once; nil: half the processors, at least 2 (all files with a fixed pool).
  package var parallel: Int?
  package var budget: PoolBudget = .automatic
  package var selection = TestSelection()
  /// Stop starting files after the first failure.
  package var failFast = false
  /// Wall clock of one file, before scaling; nil: the configuration's.
  package var fileTimeout: Duration?
  /// Times a file is run again after a harness fault; never after a failed assertion.
  package var retries = 0
  /// Seed of `--shuffle`, for the header.
  package var seed: UInt64?

  package init() {}

  /// Why a run with `failFast` has ended.
  package static let failFastReason = "a file failed (--fail-fast)"

  /// Threads for `count` files.
  package func width(for count: Int) -> Int {
    if let parallel { return max(1, min(parallel, count)) }
    if case .fixed = budget { return max(1, count) }
    return max(1, min(max(2, HostFacts.processors / 2), count))
  }
}
