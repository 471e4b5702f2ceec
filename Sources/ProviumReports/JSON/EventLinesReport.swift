import Glibc
package import ProviumEvents
import ProviumSystem
import Synchronization

/// `--json`: each event as a line of JSON, written in one call as it happens, so that the file can be followed while
/// the run goes on and is whole up to the last event however the run ends.
package final class EventLinesReport: EventSink {
  private struct State {
    var hasBegun = false
    var failure: (any Error)?
  }
  private let destination: ReportDestination
  private let output: Descriptor
  private let state = Mutex(State())

  /// Opens the report; an older one keeps its contents until the first event.
  /// - Parameter path: `-` is standard output.
  /// - Throws: `ReportError` when it cannot be written.
  package init(path: String) throws {
    destination = try ReportDestination(path, report: "JSON lines")
    output = try destination.open()
  }

  /// Writes the event, and keeps the first error for `finish`.
  package func receive(_ event: RunEvent, at time: Double) {
    state.withLock { state in
      guard state.failure == nil else { return }
      if !state.hasBegun {
        state.hasBegun = true
        // Fails on what has no length (a pipe), which then needs none.
        _ = destination.isStandardOutput ? 0 : ftruncate(output.raw, 0)
      }
      do {
        let line = try EventLine.bytes(event, at: time) + [0x0A]
        try Files.writeAll(line, to: output.raw, path: destination.path)
      } catch { state.failure = error }
    }
  }

  /// Throws what the first failed write threw.
  package func finish() throws {
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }
}
