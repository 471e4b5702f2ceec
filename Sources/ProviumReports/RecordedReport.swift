package import ProviumEvents
import Synchronization

/// A sink that collects the whole run and makes its report once, at the end, also where the run was
/// interrupted.
package final class RecordedReport: EventSink {
  private struct State {
    var record = RunRecord()
    var isWritten = false
  }
  private let state = Mutex(State())
  private let write: @Sendable (RunRecord) throws -> Void

  /// - Parameter write: called once, by `finish`.
  init(write: @escaping @Sendable (RunRecord) throws -> Void) { self.write = write }

  /// Adds the event to the record.
  package func receive(_ event: RunEvent, at time: Double) {
    state.withLock { $0.record.add(event, at: time) }
  }

  /// Writes the report. Idempotent.
  /// - Throws: `ReportError`.
  package func finish() throws {
    let record = state.withLock { state -> RunRecord? in
      defer { state.isWritten = true }
      return state.isWritten ? nil : state.record
    }
    if let record { try write(record) }
  }
}
