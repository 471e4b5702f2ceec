import ProviumEvents
package import ProviumVM

/// Keeping the VM of a failed test that is written in Swift.
extension NativeMachine {
  /// The end of a test's VM.
  package struct Ended: Sendable {
    /// The kernel reports that the test did not name; nil: none.
    package let report: ProviumError?
    /// How the VM that was kept is opened: `vm1 (default)  provium open 1a2b3c4d`.
    package let kept: [String]

    package init(report: ProviumError?, kept: [String]) {
      self.report = report
      self.kept = kept
    }
  }

  /// Keeps the VM if its test has failed, VMs are kept, and the run has not kept enough.
  /// - Parameters:
  ///   - failure: why the test has failed; nil: it fails only if there is a kernel report.
  ///   - named: reports that an error of the test names already.
  package func keep(after failure: String?, excluding named: Set<KernelReport.ID>) -> Ended {
    leaveLab()
    guard scope.services.failures.isOpen else { return Ended(report: nil, kept: []) }
    let report = takeReports(excluding: named)
    guard let message = failure ?? report?.message else { return Ended(report: nil, kept: []) }
    let kind: FailureKind = failure == nil ? .kernelReport : .assertion
    let kept = scope.machines.keep(
      Failure(kind: kind, message: message),
      of: [],
      since: 0,
      among: ownMachines,
      withFacts: false
    )
    return Ended(report: report, kept: kept.keptLines)
  }
}
