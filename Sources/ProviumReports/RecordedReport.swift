package import ProviumEvents
import Synchronization

/// A report that is made from the whole run and written once, at its end, whether the run came to its own or was cut
/// short. What it says is a pure function of the record.
package final class RecordedReport: EventSink {
  private struct State {
    var record = RunRecord()
    var isWritten = false
  }
  private let state = Mutex(State())
  private let write: @Sendable (RunRecord) throws -> Void

  /// - Parameter write: called once, by `finish`.
  package init(write: @escaping @Sendable (RunRecord) throws -> Void) { self.write = write }

  /// `--junit`. - Throws: `ReportError` when `path` cannot be written.
  package static func junit(path: String) throws -> RecordedReport {
    let destination = try ReportDestination(path, report: "JUnit")
    return RecordedReport { try destination.write(JUnitDocument(of: $0).text) }
  }

  /// `--tap`; `-` is standard output.
  package static func tap(path: String) throws -> RecordedReport {
    let destination = try ReportDestination(path, report: "TAP")
    return RecordedReport { try destination.write(TAPDocument(of: $0).text) }
  }

  /// `--html`.
  package static func html(path: String) throws -> RecordedReport {
    let destination = try ReportDestination(path, report: "HTML")
    return RecordedReport { try destination.write(HTMLPage(of: $0).text) }
  }

  /// Keeps the event for the end.
  package func receive(_ event: RunEvent, at time: Double) {
    state.withLock { $0.record.add(event, at: time) }
  }

  /// Writes the report, the first time only. - Throws: `ReportError`.
  package func finish() throws {
    let record = state.withLock { state -> RunRecord? in
      defer { state.isWritten = true }
      return state.isWritten ? nil : state.record
    }
    if let record { try write(record) }
  }
}
