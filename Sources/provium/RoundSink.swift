import ProviumEvents
import Synchronization

/// Hands events to the reporter of the round that is running: with `--watch`, each round has its own.
final class RoundSink: EventSink {
  private let reporter: Mutex<(any EventSink)?>

  init(_ reporter: any EventSink) { self.reporter = Mutex(reporter) }

  func begin(_ next: any EventSink) { reporter.withLock { $0 = next } }

  func receive(_ event: RunEvent, at time: Double) { reporter.withLock { $0 }?.receive(event, at: time) }

  /// Ends the round's reporter. Twice is fine.
  func finish() throws {
    let ended = reporter.withLock { reporter in
      defer { reporter = nil }
      return reporter
    }
    try ended?.finish()
  }
}
