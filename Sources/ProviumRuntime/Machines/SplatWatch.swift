import ProviumEvents
import ProviumMachine

/// Finds kernel reports (panic, oops, BUG, KASAN, WARNING …) among the lines of one console, and remembers those that no
/// test has answered for.
struct SplatWatch {
  /// A test says that a report is meant.
  struct Expectation {
    let matches: (String) -> Bool
    var isMet = false
  }

  var expectation: Expectation?
  private var position = 0
  private var unseen: [KernelReport] = []
  private var scanner = KernelReportScanner()

  /// Reports before this place are nobody's.
  mutating func begin(at position: Int) {
    self.position = max(self.position, position)
    unseen.removeAll()
  }

  mutating func read(_ console: ConsoleLog) {
    let lines = console.lines(since: position)
    position = console.position
    for report in scanner.scan(lines) {
      if expectation?.matches(report.lines.joined(separator: "\n")) == true {
        expectation?.isMet = true
      } else {
        unseen.append(report)
      }
    }
  }

  /// The first report that nobody allowed, as a failure; all are taken.
  mutating func take(allowed: [String], label: String) -> Failure? {
    defer { unseen.removeAll() }
    let found = unseen.first { report in !allowed.contains { report.title.contains($0) } }
    guard let found else { return nil }
    var failure = Failure(kind: .splat, message: "the kernel of \(label) reported: \(found.title)")
    failure.console = found.lines
    return failure
  }
}
