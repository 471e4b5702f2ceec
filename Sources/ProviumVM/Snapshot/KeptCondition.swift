/// The state of a guest that was kept after a failure.
package enum KeptCondition: String, Sendable, Codable {
  /// Its agent answered.
  case running
  /// It ran, and its agent was dead or did not answer.
  case unresponsive
  /// Its kernel had panicked, or it had powered off or reset itself: it runs no more.
  case stopped
}
