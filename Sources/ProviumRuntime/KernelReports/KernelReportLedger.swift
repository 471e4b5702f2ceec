import ProviumVM

/// The kernel reports (panic, oops, BUG, KASAN, WARNING …) of one VM handle that are not assigned to a test yet: those of its
/// present VM, and those of earlier VMs, since a handle that is restored or booted again has a new one.
struct KernelReportLedger {
  /// A test states that a report is meant.
  private struct Expectation {
    let matches: (KernelReport) -> Bool
    var isMet = false
  }

  /// Innermost last.
  private var expectations: [Expectation] = []
  private var present: KernelReportFinder?
  /// Of earlier VMs.
  private var gone: [KernelReport] = []
  /// Found before the present expectations began: these do not meet them.
  private var earlier: [KernelReport] = []
  private var lost = 0

  /// Makes `finder` the source of the present VM. Idempotent.
  mutating func attach(_ finder: KernelReportFinder) {
    guard finder !== present else { return }
    detach()
    present = finder
  }

  /// Keeps the reports of the present VM, which has ended.
  mutating func detach() {
    guard present != nil else { return }
    settle()
    gone += takePresent()
    present = nil
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
    if let present { present.acknowledge(present.reports.kept.filter { meets($0) }) }
    let rest = gone
    gone = rest.filter { !meets($0) }
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
    let reports = (earlier + gone + takePresent()).filter { report in
      !allowed.contains { report.title.contains($0) }
    }
    defer { (earlier, gone, lost) = ([], [], 0) }
    var findings = KernelReportFindings()
    findings.add(reports, lost: lost, of: machine)
    return findings
  }

  private mutating func takePresent() -> [KernelReport] {
    guard let present else { return [] }
    let taken = present.takeReports()
    lost += taken.lost
    return taken.kept
  }
}
