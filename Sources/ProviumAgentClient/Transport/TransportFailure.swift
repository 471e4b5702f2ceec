import ProviumSystem

/// The reason why bytes could not be sent or received.
enum TransportFailure: Error {
  case deadline
  /// The other side has ended the connection.
  case ended(Errno?)
  /// The VM has ended, for this cause.
  case died(any Error)
  /// The alarm was raised: the peer is known to be gone, or the connection is being closed.
  case alarm
  /// The other side broke the rules of the carrier.
  case violation(String)
}
