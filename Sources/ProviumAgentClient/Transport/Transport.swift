import ProviumSystem

/// A carrier of messages in both directions: a stream socket, a serial port, a channel of the control port.
/// One thread uses it at a time.
protocol Transport: AnyObject {
  /// Sends the segments one after the other. Blocks.
  /// - Throws: `TransportFailure`.
  func send(_ segments: [UnsafeRawBufferPointer], until deadline: Deadline) throws
  /// Blocks until it has appended at least one byte; false when the deadline came first.
  /// - Parameter wanting: how many bytes the caller expects; a hint.
  func receive(into inbox: ByteQueue, wanting: Int, until deadline: Deadline) throws -> Bool
  /// Ends the connection. The other side sees the end where the carrier can tell it.
  func end()
}
