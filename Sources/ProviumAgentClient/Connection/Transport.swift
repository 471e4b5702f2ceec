import ProviumSystem

/// A stream of messages in both directions, whatever carries it. Used by one thread.
protocol Transport: AnyObject {
  /// Sends the segments one after the other. Blocks; throws `TransportFailure`.
  func send(_ segments: [UnsafeRawBufferPointer], until deadline: Deadline) throws
  /// Appends at least one byte; false when the deadline came first. `wanting` is a hint.
  func receive(into inbox: ByteQueue, wanting: Int, until deadline: Deadline) throws -> Bool
  /// Ends the connection: the other side sees its end where the carrier can tell.
  func end()
}

/// Why bytes could not be moved.
enum TransportFailure: Error {
  case deadline
  /// The other side is gone.
  case ended(Errno?)
  /// The machine is gone.
  case died(any Error)
  /// Somebody raised the alarm: the peer is known to be gone, or must be given up.
  case alarm
  /// What came is against the rules of the carrier.
  case violation(String)
}

/// How the layer that owns the machine tells of its death to whoever waits for the guest.
///
/// Any thread may ask. A descriptor that becomes readable although nobody has died must no longer be so once
/// `causeOfDeath` has returned nil; after a death it stays readable.
package protocol VitalSigns: Sendable {
  /// Polled during every wait: QEMU's pidfd, an event raised at a panic on the console. Asked once a connection.
  var descriptors: [Int32] { get }
  /// Asked when one of them is readable. The error is thrown to the script as it is.
  func causeOfDeath() -> (any Error)?
}

/// A stream socket: messages follow each other.
final class StreamTransport: Transport {
  private let socket: PolledSocket

  init(_ socket: PolledSocket) { self.socket = socket }

  func send(_ segments: [UnsafeRawBufferPointer], until deadline: Deadline) throws {
    var vectors = IOVectors(segments)
    while !vectors.isEmpty { try socket.writeSome(&vectors, until: deadline) }
  }

  func receive(into inbox: ByteQueue, wanting: Int, until deadline: Deadline) throws -> Bool {
    try socket.read(into: inbox, wanting: max(wanting, 64 << 10), until: deadline)
  }

  func end() { socket.shutDown() }
}
