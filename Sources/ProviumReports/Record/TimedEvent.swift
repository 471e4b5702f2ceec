package import ProviumEvents

/// An event and its time.
package struct TimedEvent: Sendable {
  /// In seconds since the run began.
  package var time: Double
  package var event: RunEvent

  /// Makes an event at `time` seconds since the run began.
  package init(time: Double, event: RunEvent) {
    self.time = time
    self.event = event
  }
}

extension [TimedEvent] {
  /// Sends all events to each sink and finishes every sink, then throws the first error.
  package func replay(into sinks: [any EventSink]) throws {
    for timed in self {
      for sink in sinks { sink.receive(timed.event, at: timed.time) }
    }
    var first: (any Error)?
    for sink in sinks {
      do { try sink.finish() } catch { first = first ?? error }
    }
    if let first { throw first }
  }
}
