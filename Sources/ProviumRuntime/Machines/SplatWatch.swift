import ProviumVM

/// The kernel reports (panic, oops, BUG, KASAN, WARNING …) of one machine that no test has answered for: those of its
/// present console, and those of consoles that are gone, since a machine that is restored or booted again has a new one.
struct SplatWatch {
  /// A test says that a report is meant.
  private struct Expectation {
    let matches: (KernelReport) -> Bool
    var isMet = false
  }
  /// Innermost last.
  private var expectations: [Expectation] = []
  private var console: ConsoleLog?
  private var gone: [KernelReport] = []
  /// Of before the present expectations: not what they mean.
  private var earlier: [KernelReport] = []
  private var lost = 0

  /// The machine has this console from now on.
  mutating func attach(_ console: ConsoleLog) {
    guard console !== self.console else { return }
    detach()
    self.console = console
  }

  /// The machine, and so its console, is at its end.
  mutating func detach() {
    guard console != nil else { return }
    settle()
    gone += takePresent()
    self.console = nil
  }

  /// Takes the reports that somebody expects out of those that nobody has answered for.
  private mutating func settle() {
    guard !expectations.isEmpty else { return }
    if let console { console.answer(console.reports.kept.filter { expects($0) }) }
    let rest = gone
    gone = rest.filter { !expects($0) }
  }

  private mutating func expects(_ report: KernelReport) -> Bool {
    guard let index = expectations.lastIndex(where: { $0.matches(report) }) else { return false }
    expectations[index].isMet = true
    return true
  }

  private mutating func takePresent() -> [KernelReport] {
    guard let present = console?.takeReports() else { return [] }
    lost += present.lost
    return present.kept
  }

  mutating func expect(_ matches: @escaping (KernelReport) -> Bool) {
    settle()
    earlier += gone + takePresent()
    gone.removeAll()
    expectations.append(Expectation(matches: matches))
  }

  /// Whether a report that the innermost expectation means has come.
  mutating func isMet() -> Bool {
    settle()
    return expectations.last?.isMet ?? false
  }

  mutating func endExpectation() {
    settle()
    _ = expectations.popLast()
  }

  /// What nobody allowed; all is taken.
  mutating func take(allowed: [String]) -> (reports: [KernelReport], lost: Int) {
    settle()
    let reports = (earlier + gone + takePresent()).filter { report in
      !allowed.contains { report.title.contains($0) }
    }
    defer { (earlier, gone, lost) = ([], [], 0) }
    return (reports, lost)
  }
}
