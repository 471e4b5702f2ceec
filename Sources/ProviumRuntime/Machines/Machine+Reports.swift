import ProviumSystem
package import ProviumVM

/// The VM's kernel reports.
extension Machine {
  private static let patience = Duration.seconds(5)

  /// Completes the VM's kernel reports up to this moment. Blocks for one round trip to the guest, and not for long if the
  /// guest does not answer.
  func catchUpWithReports() {
    guard let virtualMachine else { return }
    let limit = FairDeadline(
      length: Self.patience * timeoutMultiplier,
      sample: { [process] in process.sample }
    )
    try? context.waiting(for: queue) { virtualMachine.catchUpWithReports(until: limit.deadline) }
    guard virtualMachine.reports.takeLostRecords() > 0 else { return }
    context.services.warnOnce(
      "the kernel of \(label) overwrote records of its log before they could be read: kernel reports among them are found only "
        + "if the console shows them (append = \"log_buf_len=16M\" keeps more)",
      file: context.name
    )
  }

  /// Takes the kernel reports up to this moment that are not assigned to a test yet.
  /// - Parameter allowed: parts of the titles of reports that are ignored.
  func takeReports(allowed: [String]) -> KernelReportFindings {
    catchUpWithReports()
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
