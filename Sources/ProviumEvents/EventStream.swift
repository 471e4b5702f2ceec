import ProviumSystem
import Synchronization

/// Sends each event to every sink, one event at a time, with the time since the stream was made. Thread-safe.
package final class EventStream: Sendable {
  private let sinks: [any EventSink]
  private let start: UInt64
  /// Held while the sinks run, so that all sinks see one order of events.
  private let turn = Mutex<Void>(())

  package init(_ sinks: [any EventSink]) {
    self.sinks = sinks
    start = Deadline.now
  }

  /// Time since the stream was made, in seconds.
  package var now: Double { Double(Deadline.now - start) / 1e9 }

  /// Blocks until every sink has taken the event.
  package func send(_ event: RunEvent) {
    turn.withLock { _ in
      let time = now
      for sink in sinks { sink.receive(event, at: time) }
    }
  }

  /// Finishes every sink, then throws the first error that one of them threw.
  package func finish() throws {
    var first: (any Error)?
    for sink in sinks {
      do { try sink.finish() } catch { first = first ?? error }
    }
    if let first { throw first }
  }
}
