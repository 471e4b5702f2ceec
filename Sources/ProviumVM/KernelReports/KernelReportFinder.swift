package import ProviumAgentClient
import Synchronization

/// Finds the kernel reports of one VM in its kernel log and on its console, each once. Thread-safe.
///
/// A line of the console without the kernel's time stamp is a program's and is never part of a report.
package final class KernelReportFinder: Sendable {
  private struct State {
    var merger = KernelLineMerger()
    var scanner = KernelReportScanner()
    /// Records that were overwritten before the agent could read them.
    var lostRecords: UInt64 = 0
    /// No program runs yet, and the kernel has printed no stamp: every line is the kernel's.
    var isBeforeStamps: Bool
    var isFollowed = false

    mutating func scan(_ lines: [KernelLineMerger.Line]) {
      for line in lines { scanner.take(line.shown, at: line.microseconds &* 1000, isProgram: line.isProgram) }
    }
  }
  private let state: Mutex<State>

  /// - Parameter isBoot: the kernel will start: until its first time stamp every line is the kernel's.
  package init(isBoot: Bool) { state = Mutex(State(isBeforeStamps: isBoot)) }

  // MARK: The console

  /// Takes a line of the console.
  /// - Parameter isBeforePrograms: no program of the guest has been started.
  /// - Returns: true if the kernel says in it that it panics, or a program claims it.
  func takeConsole(_ line: String, isBeforePrograms: Bool) -> Bool {
    state.withLock { state in
      let split = KernelStamp.split(line[...])
      if split != nil { state.isBeforeStamps = false }
      guard split != nil || (isBeforePrograms && state.isBeforeStamps) else { return false }
      let text = split?.text ?? line[...]
      state.scan(state.merger.take(console: line, text: text, at: split?.microseconds))
      if case .panic = KernelReportRules.line(text) { return true }
      return false
    }
  }

  /// The number of lines that the console has shown.
  var consolePosition: Int { state.withLock { $0.merger.position } }

  // MARK: The kernel log

  /// Makes the kernel log the source. Call it before the agent is told to follow the log.
  /// - Parameter next: see `KernelLineMerger.beginLog`.
  func beginLog(next: UInt64?) {
    state.withLock { state in
      state.isFollowed = true
      state.merger.beginLog(next: next)
    }
  }

  /// Makes the console the source: the guest has no kernel log.
  func abandonLog() {
    state.withLock { state in
      state.isFollowed = false
      state.merger.abandonLog()
    }
  }

  /// Takes what the agent has sent of the kernel log. Records that were taken before are ignored.
  package func take(_ batch: KernelLogBatch) {
    state.withLock { state in
      state.lostRecords &+= batch.lost
      for record in batch.records { state.scan(state.merger.take(record)) }
    }
  }

  /// The sequence number of the record after the last one that was taken; nil before the first.
  var nextSequence: UInt64? { state.withLock { $0.merger.nextSequence } }

  /// Notes that the log is complete up to the console's line `position`.
  func noteComplete(upTo position: Int) { state.withLock { $0.merger.noteComplete(upTo: position) } }

  /// Scans the lines of the console that the log has not delivered: it is not followed, or the agent does not answer.
  func useConsole() { state.withLock { $0.scan($0.merger.releaseHeld()) } }

  /// Makes the console the source for good. Idempotent.
  func endLog() { state.withLock { $0.scan($0.merger.endLog()) } }

  /// Ignores everything that comes from now on, since the VM was saved: a VM that is resumed from the snapshot will report
  /// it.
  func stop() { state.withLock { $0.merger.stop() } }

  // MARK: Panics

  /// The report of the panic that was printed last, for a kernel that is known to have panicked. If no source shows a line of
  /// it, there is a report from now on.
  func confirmPanic() -> (report: KernelReport.ID, line: String) {
    state.withLock { state in
      state.scanner.panic
        ?? state.scanner.noteUnseenPanic("Kernel panic (the guest's console does not show its reason)", at: 0)
    }
  }

  // MARK: Reports

  /// The reports that are not acknowledged, and the number of reports that were not kept.
  package var reports: (kept: [KernelReport], lost: Int) {
    state.withLock { state in
      if !state.isFollowed { state.scan(state.merger.releaseHeld()) }
      return (state.scanner.reports, state.scanner.lost)
    }
  }

  /// Drops these reports.
  package func acknowledge(_ reports: some Sequence<KernelReport>) {
    let ids = Set(reports.map(\.id))
    state.withLock { $0.scanner.acknowledge(ids) }
  }

  /// Returns all reports, and drops them.
  package func takeReports() -> (kept: [KernelReport], lost: Int) {
    let taken = reports
    // A report that was found meanwhile stays.
    state.withLock { $0.scanner.acknowledge(Set(taken.kept.map(\.id)), lost: taken.lost) }
    return taken
  }

  /// Returns the number of records that were overwritten before they were read, and sets it to 0.
  package func takeLostRecords() -> UInt64 {
    state.withLock { state in
      defer { state.lostRecords = 0 }
      return state.lostRecords
    }
  }
}
