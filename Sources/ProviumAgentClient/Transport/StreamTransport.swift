import ProviumSystem

/// A stream socket: vsock, or a Unix socket in its place. Messages follow each other without frames.
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
