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
    if let question = askForReports(until: deadline) { awaitReports(question, until: deadline) }
  }

  /// A question to the guest for its kernel log up to a moment.
  package struct ReportQuestion: Sendable {
    fileprivate let token: UInt32
    /// Of the console: output before it is in the log.
    fileprivate let position: Int
  }

  /// Sends the question for the kernel log up to this moment, and does not wait for the answer, so that several VMs can be
  /// asked at once.
  /// - Returns: nil if no answer will come: the console is the source.
  package func askForReports(until deadline: Deadline) -> ReportQuestion? {
    process.monitor.catchUpWithConsole()
    guard kernelLog.isFollowed, causeOfDeath == nil else { return nil }
    if let overdue = kernelLog.overdue {
      guard agent.hasSyncedKernelLog(overdue) else {
        reports.useConsole()
        return nil
      }
      kernelLog.overdue = nil
    }
    let position = reports.consolePosition
    guard let token = try? agent.requestKernelLogSync(until: deadline) else {
      reports.useConsole()
      return nil
    }
    return ReportQuestion(token: token, position: position)
  }

  /// Blocks until the guest has answered a question of `askForReports`.
  package func awaitReports(_ question: ReportQuestion, until deadline: Deadline) {
    if (try? agent.awaitKernelLogSync(question.token, until: deadline)) == true {
      reports.noteComplete(upTo: question.position)
    } else {
      kernelLog.overdue = question.token
      reports.useConsole()
    }
  }
}
