package import ProviumRuntime
import ProviumSystem

/// How a suite runs: from the command line, the environment or the testing bridge.
package struct RunOptions: Sendable {
  /// Files that run at once; nil: half the processors, at least 2 (all files with a fixed pool).
  package var parallel: Int?
  package var budget: PoolBudget = .automatic
  package var selection = TestSelection()
  /// Start no file after the first failure.
  package var failFast = false
  /// The time limit of one file, before the timeout multiplier; nil: that of the configuration.
  package var fileTimeout: Duration?
  /// How often a file runs again after an infrastructure error. A failed assertion is never retried.
  package var retries = 0
  /// How often all files run; nil: once.
  package var repetitions: Int?
  /// Repeat until a file fails, at most `repetitions` times.
  package var untilFailure = false

  package init() {}

  /// Why a run with `failFast` ended early.
  package static let failFastReason = "a file failed (--fail-fast)"

  /// The number of threads for `count` files.
  package func width(for count: Int) -> Int {
    if let parallel { return max(1, min(parallel, count)) }
    if case .fixed = budget { return max(1, count) }
    return max(1, min(max(2, HostFacts.processors / 2), count))
  }
}
