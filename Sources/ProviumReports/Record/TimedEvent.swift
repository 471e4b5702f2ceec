package import ProviumEvents

/// An event, and when it happened.
package struct TimedEvent: Sendable {
  /// Seconds since the run began.
  package var time: Double
  /// What happened.
  package var event: RunEvent

  /// - Parameter time: seconds since the run began.
  package init(time: Double, event: RunEvent) {
    self.time = time
    self.event = event
  }
}

extension [TimedEvent] {
  /// Feeds all events to each sink, then ends them; the first error is thrown after all have ended.
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
