package import ProviumEvents
import Synchronization

/// Passes events on to the reporter of the current round: with `--watch`, each round has its own. Thread-safe.
package final class RoundSink: EventSink {
  private let reporter: Mutex<(any EventSink)?>

  package init(_ reporter: any EventSink) { self.reporter = Mutex(reporter) }

  package func begin(_ next: any EventSink) { reporter.withLock { $0 = next } }

  package func receive(_ event: RunEvent, at time: Double) {
    reporter.withLock { $0 }?.receive(event, at: time)
  }

  /// Finishes the reporter of the round. Idempotent.
  package func finish() throws {
    let ended = reporter.withLock { reporter in
      defer { reporter = nil }
      return reporter
    }
    try ended?.finish()
  }
}
