package import ProviumAgentClient
package import ProviumSystem

/// The guest's kernel log as the source of kernel reports, whatever the level of the console is.
extension VirtualMachine {
  package var reports: KernelReportFinder { process.reports }

  /// Makes the guest's kernel log the source of kernel reports. A guest without a kernel log is left with its console.
  /// - Parameters:
  ///   - next: the sequence number of the first record of a resumed VM; nil: unknown, or a boot.
  ///   - receiver: called with the same records.
  func followKernelLog(
    from start: KernelLogStart,
    next: UInt64? = nil,
    alsoTo receiver: (@Sendable (KernelLogBatch) -> Void)? = nil,
    until deadline: Deadline
  ) throws {
    kernelLog.receiver = receiver
    reports.beginLog(next: next)
    do {
      try follow(from: start, until: deadline)
      kernelLog.isFollowed = true
    } catch GuestError.refused {
      reports.abandonLog()
    }
  }

  private func follow(from start: KernelLogStart, until deadline: Deadline) throws {
    try agent.followKernelLog(from: start, until: deadline) { [reports, kernelLog] batch in
      reports.take(batch)
      kernelLog.receiver?(batch)
    }
  }

  /// Passes the whole kernel log, from its oldest record on, to a receiver, until the connection ends. Reports are not found
  /// a second time.
  /// - Throws: `GuestError.refused` if the guest has no kernel log.
  package func replayKernelLog(
    until deadline: Deadline,
    _ receiver: @escaping @Sendable (KernelLogBatch) -> Void
  ) throws {
    // Records that are in flight now come again.
    _ = try agent.syncKernelLog(until: deadline)
    kernelLog.receiver = receiver
    try follow(from: .oldest, until: deadline)
  }

  /// Completes the kernel reports up to this moment. Blocks for one round trip to the guest; a guest that does not answer
  /// costs the time until `deadline` once, and its console is the source until it answers.
  package func catchUpWithReports(until deadline: Deadline) {
    process.monitor.catchUpWithConsole()
    guard kernelLog.isFollowed, causeOfDeath == nil else { return }
    if let overdue = kernelLog.overdue {
      guard agent.hasSyncedKernelLog(overdue) else { return reports.useConsole() }
      kernelLog.overdue = nil
    }
    let position = reports.consolePosition
    guard let token = try? agent.requestKernelLogSync(until: deadline) else { return reports.useConsole() }
    if (try? agent.awaitKernelLogSync(token, until: deadline)) == true {
      // Output of the console before the barrier is in the log.
      reports.noteComplete(upTo: position)
    } else {
      kernelLog.overdue = token
      reports.useConsole()
    }
  }
}
