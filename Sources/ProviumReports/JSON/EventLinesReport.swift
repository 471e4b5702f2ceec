import Glibc
import ProviumEvents
import ProviumSystem
import Synchronization

/// Writes each event as a line of JSON, in one call, as it happens. The file can be followed while the run
/// goes on, and is complete up to the last event however the run ends.
final class EventLinesReport: EventSink {
  private struct State {
    var hasBegun = false
    var failure: ReportError?
  }
  private let destination: ReportDestination
  private let output: Descriptor
  private let state = Mutex(State())

  /// Opens the file. An older report keeps its contents until the first event.
  init(to destination: ReportDestination) throws {
    self.destination = destination
    output = try destination.open()
  }

  /// Writes the event, and keeps the first error for `finish`.
  func receive(_ event: RunEvent, at time: Double) {
    state.withLock { state in
      guard state.failure == nil else { return }
      if !state.hasBegun {
        state.hasBegun = true
        // Fails for files that have no length, such as pipes. They need no truncation.
        _ = destination.isStandardOutput ? 0 : ftruncate(output.raw, 0)
      }
      do {
        let line = try EventLine.bytes(event, at: time) + [0x0A]
        try Files.writeAll(line, to: output.raw, path: destination.path)
      } catch { state.failure = destination.refused(error) }
    }
  }

  /// Throws the error of the first write that failed.
  func finish() throws {
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }
}
