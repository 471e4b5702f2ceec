package import ProviumEvents

/// Keeping the VMs of a failed test.
extension MachineSet {
  /// Keeps the last frames of the networks. Keeps the VMs of a failed test and gathers facts about them, if VMs are kept and the
  /// run has not kept enough.
  /// - Parameters:
  ///   - path: the names of the sub-test; empty: outside sub-tests.
  ///   - use: the count of operations when the test began: the VMs with a later use are its own.
  ///   - own: those of them that may be kept; nil: all.
  ///   - withFacts: false where no report has room for facts.
  /// - Returns: the failure with what was kept. A VM that could not be kept is a warning; the failure stays what it is.
  package func keep(
    _ failure: Failure,
    of path: [String],
    since use: UInt64,
    among own: [Machine]? = nil,
    withFacts: Bool = true
  ) -> Failure {
    let keeper = context.services.failures
    guard failure.kind != .inner, !context.cancellation.isRequested else { return failure }
    var result = failure
    let frames = context.networks.keepRecentFrames(in: context.services.run.path)
    if let frames { result.facts = [frames] }
    let machines = (own ?? used(since: use)).filter { $0.mayBeKept }
    guard !machines.isEmpty, keeper.takeTurn() else { return result }
    let kept = machines.compactMap { machine -> KeptVM? in
      do { return try machine.keep(failure, of: path) } catch {
        let reason = "\((error as? ProviumError)?.message ?? "\(error)")"
        context.events.send(
          .warning(file: context.name, text: "\(machine.label) could not be kept: \(reason)")
        )
        return nil
      }
    }
    // After the VMs are kept: looking changes them.
    let facts = withFacts ? machines.flatMap { $0.collectFacts() } : []
    if !kept.isEmpty { result.kept = kept }
    if !facts.isEmpty { result.facts = (result.facts ?? []) + facts }
    return result
  }
}
