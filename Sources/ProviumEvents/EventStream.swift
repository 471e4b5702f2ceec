import ProviumSystem
import Synchronization

/// Hands each event to every sink, one at a time, with the run's own clock.
package final class EventStream: Sendable {
  private let sinks: [any EventSink]
  private let start: UInt64
  /// Held while sinks run: events have one order.
  private let turn = Mutex<Void>(())

  package init(_ sinks: [any EventSink]) {
    self.sinks = sinks
    start = Deadline.now
  }

  /// Seconds since the stream was made.
  package var now: Double { Double(Deadline.now - start) / 1e9 }

  package func send(_ event: RunEvent) {
    turn.withLock { _ in
      let time = now
      for sink in sinks { sink.receive(event, at: time) }
    }
  }

  /// Ends all sinks; the first error is thrown after all have ended.
  package func finish() throws {
    var first: (any Error)?
    for sink in sinks {
      do { try sink.finish() } catch { first = first ?? error }
    }
    if let first { throw first }
  }
}
