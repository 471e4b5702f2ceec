import ProviumSystem
package import ProviumVM

/// Kernel reports on the VM's console.
extension Machine {
  /// Takes the kernel reports up to this moment that no test has answered for.
  /// - Parameter allowed: parts of the titles of reports that are ignored.
  func takeReports(allowed: [String]) -> KernelReportFindings {
    virtualMachine?.catchUpWithConsole()
    return reports.take(allowed: allowed, of: label)
  }

  /// Runs `body`, during which a kernel report that `matches` must appear. That report fails no test.
  /// - Returns: whether it appeared.
  package func expectReport(_ matches: @escaping (KernelReport) -> Bool, during body: () throws -> Void)
    throws
    -> Bool
  {
    virtualMachine?.catchUpWithConsole()
    reports.expect(matches)
    defer {
      virtualMachine?.catchUpWithConsole()
      reports.endExpectation()
    }
    try body()
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
