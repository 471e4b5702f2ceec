/// The cause of the end of a connection.
enum LossCause {
  /// The VM has ended, for this cause.
  case vm(any Error)
  case process(ProcessEnd)
  case unknown
}
