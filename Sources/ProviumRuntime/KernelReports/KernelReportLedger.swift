import ProviumVM
import Synchronization

/// The kernel reports (panic, oops, BUG, KASAN, WARNING …) of one VM handle that no test has answered for: those of its
/// present console, and those of earlier consoles, since a VM that is restored or booted again has a new one.
struct KernelReportLedger {
  /// A test states that a report is meant.
  private struct Expectation {
    let matches: (KernelReport) -> Bool
    var isMet = false
  }
  private struct Attached {
    let log: ConsoleLog
    let number: Int
  }
  private static let consoles = Atomic(0)

  /// Innermost last.
  private var expectations: [Expectation] = []
  private var console: Attached?
  /// Of earlier consoles.
  private var gone: [FoundReport] = []
  /// Found before the present expectations began: these do not meet them.
  private var earlier: [FoundReport] = []
  private var lost = 0

  /// Makes `log` the present console. Idempotent.
  mutating func attach(_ log: ConsoleLog) {
    guard log !== console?.log else { return }
    detach()
    console = Attached(log: log, number: Self.consoles.add(1, ordering: .relaxed).newValue)
  }

  /// Keeps the reports of the present console, which ends.
  mutating func detach() {
    guard console != nil else { return }
    settle()
    gone += takePresent()
    console = nil
  }

  /// The identities of the panics on the present console: what a VM's death by panic names.
  var panics: Set<KernelReportID> {
    guard let console else { return [] }
    let panics = console.log.reports.kept.filter { report in
      report.kind == .panic || report.lines.contains { $0.contains("Kernel panic - not syncing") }
    }
    return Set(panics.map { KernelReportID(console: console.number, number: $0.number) })
  }

  // MARK: Expectations

  /// Begins to expect a report. What was found before does not meet the expectation.
  mutating func expect(_ matches: @escaping (KernelReport) -> Bool) {
    settle()
    earlier += gone + takePresent()
    gone.removeAll()
    expectations.append(Expectation(matches: matches))
  }

  /// Whether the innermost expectation has been met.
  mutating func isMet() -> Bool {
    settle()
    return expectations.last?.isMet ?? false
  }

  mutating func endExpectation() {
    settle()
    _ = expectations.popLast()
  }

  /// Removes the reports that are expected.
  private mutating func settle() {
    guard !expectations.isEmpty else { return }
    if let console { console.log.answer(console.log.reports.kept.filter { meets($0) }) }
    let rest = gone
    gone = rest.filter { !meets($0.report) }
  }

  private mutating func meets(_ report: KernelReport) -> Bool {
    guard let index = expectations.lastIndex(where: { $0.matches(report) }) else { return false }
    expectations[index].isMet = true
    return true
  }

  // MARK: Taking

  /// Takes everything that was found, without the reports that `allowed` names by a part of their title.
  mutating func take(allowed: [String], of machine: String) -> KernelReportFindings {
    settle()
    let reports = (earlier + gone + takePresent()).filter { found in
      !allowed.contains { found.report.title.contains($0) }
    }
    defer { (earlier, gone, lost) = ([], [], 0) }
    var findings = KernelReportFindings()
    findings.add(reports, lost: lost, of: machine)
    return findings
  }

  private mutating func takePresent() -> [FoundReport] {
    guard let console else { return [] }
    let present = console.log.takeReports()
    lost += present.lost
    return present.kept.map {
      FoundReport(id: KernelReportID(console: console.number, number: $0.number), report: $0)
    }
  }
}
