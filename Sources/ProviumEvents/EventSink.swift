/// A receiver of events. Events come from any thread, in an order that is the same for all sinks.
package protocol EventSink: AnyObject, Sendable {
  /// Takes the next event.
  /// - Parameter time: in seconds since the run began.
  func receive(_ event: RunEvent, at time: Double)
  /// Writes everything that is still held back. No event follows.
  /// - Throws: errors that concern the user, such as a report that cannot be written.
  func finish() throws
}
