package import ProviumEvents

/// The sub-tests, and the scripts outside of them, that both passed and failed over the repetitions of a run.
package struct FlakyTests: Sendable {
  private var counts: [String: (runs: Int, failures: Int)] = [:]

  package init() {}

  package mutating func add(_ results: [FileResult]) {
    for result in results {
      add(result.file, result.outcome)
      for test in TestTree.ordered(result.subTests) {
        add("\(result.file) / \(test.title)", test.result.outcome)
      }
    }
  }

  private mutating func add(_ name: String, _ outcome: Outcome) {
    switch outcome {
    case .passed: counts[name, default: (0, 0)].runs += 1
    case .failed:
      counts[name, default: (0, 0)].runs += 1
      counts[name, default: (0, 0)].failures += 1
    case .todo, .skipped: break
    }
  }

  /// One line for each flaky test.
  package var text: String {
    let flaky = counts.filter { $0.value.failures > 0 && $0.value.failures < $0.value.runs }
      .sorted { $0.key < $1.key }
    guard !flaky.isEmpty else { return "no test both passed and failed" }
    let lines = flaky.map { name, count in
      "  \(name): failed \(count.failures) of \(count.runs) times (\(100 * count.failures / count.runs) %)"
    }
    return "flaky:\n" + lines.joined(separator: "\n")
  }
}
