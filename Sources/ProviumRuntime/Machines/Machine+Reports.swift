import ProviumSystem
package import ProviumVM

/// The VM's kernel reports.
extension Machine {
  private static let patience = Duration.seconds(5)

  /// A question to a VM's guest for its kernel reports, and how long its answer may take.
  struct ReportQuestion {
    let virtualMachine: VirtualMachine
    let question: VirtualMachine.ReportQuestion
    let limit: FairDeadline
  }

  /// Asks the guest for the kernel reports up to this moment, and does not wait for the answer. Not while branches run.
  /// - Returns: nil if no answer will come.
  func askForReports() -> ReportQuestion? {
    guard let virtualMachine else { return nil }
    let limit = reportLimit
    let question = virtualMachine.askForReports(until: limit.deadline)
    return question.map { ReportQuestion(virtualMachine: virtualMachine, question: $0, limit: limit) }
  }

  private var reportLimit: FairDeadline {
    FairDeadline(length: Self.patience * timeoutMultiplier, sample: { [process] in process.sample })
  }

  /// Completes the VM's kernel reports up to this moment. Blocks for one round trip to the guest, and not for long if the
  /// guest does not answer.
  func catchUpWithReports() {
    guard let virtualMachine else { return }
    let limit = reportLimit
    try? context.waiting(for: queue) { virtualMachine.catchUpWithReports(until: limit.deadline) }
    warnOfLostRecords(virtualMachine)
  }

  private func warnOfLostRecords(_ virtualMachine: VirtualMachine) {
    guard virtualMachine.reports.takeLostRecords() > 0 else { return }
    context.services.warnOnce(
      "the kernel of \(label) overwrote records of its log before they could be read: kernel reports among them are found only "
        + "if the console shows them (append = \"log_buf_len=16M\" keeps more)",
      file: context.name
    )
  }

  /// Takes the kernel reports that are not assigned to a test yet: those up to this moment, or up to `question`.
  /// - Parameter allowed: parts of the titles of reports that are ignored.
  func takeReports(allowed: [String], after question: ReportQuestion?) -> KernelReportFindings {
    if let question {
      question.virtualMachine.awaitReports(question.question, until: question.limit.deadline)
    }
    if let virtualMachine { warnOfLostRecords(virtualMachine) }
    var findings = reports.take(allowed: allowed, of: label)
    if !findings.isEmpty { decode(&findings) }
    return findings
  }

  /// Runs `body`, during which a kernel report that `matches` must appear. That report fails no test.
  /// - Returns: whether it appeared.
  package func expectReport(_ matches: @escaping (KernelReport) -> Bool, during body: () throws -> Void)
    throws
    -> Bool
  {
    catchUpWithReports()
    reports.expect(matches)
    defer {
      catchUpWithReports()
      reports.endExpectation()
    }
    try body()
    catchUpWithReports()
    // A program that `body` started in the guest may cause the expected report a little later.
    let deadline = FairDeadline(length: .seconds(2), sample: { [process] in process.sample }).deadline
    while !reports.isMet() {
      guard !deadline.isExpired, !context.cancellation.isRequested, !context.limits.deadline.isExpired else {
        return false
      }
      context.sleep(.milliseconds(10))
    }
    return true
  }
}
