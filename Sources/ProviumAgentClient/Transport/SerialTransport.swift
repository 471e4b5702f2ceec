import ProviumSystem

/// The main virtio-serial port: link frames of channel 0, for the one connection of the main agent.
final class SerialTransport: Transport {
  private let socket: PolledSocket
  private let raw: ByteQueue
  private var parser = LinkParser()
  private static let readSize = 256 << 10

  /// Takes over the port after the handshake.
  /// - Parameter raw: bytes that were received after the acknowledgement.
  init(_ socket: PolledSocket, raw: ByteQueue) {
    self.socket = socket
    self.raw = raw
  }

  func send(_ segments: [UnsafeRawBufferPointer], until deadline: Deadline) throws {
    try LinkFraming.each(segments, channel: 0, framesPerBatch: 64) { vectors in
      while !vectors.isEmpty { try socket.writeSome(&vectors, until: deadline) }
    }
  }

  func receive(into inbox: ByteQueue, wanting: Int, until deadline: Deadline) throws -> Bool {
    while true {
      if try sort(into: inbox) { return true }
      guard try socket.read(into: raw, wanting: Self.readSize, until: deadline) else { return false }
    }
  }

  /// Moves the payloads of complete frames to `inbox`; false when there were none.
  private func sort(into inbox: ByteQueue) throws -> Bool {
    let before = inbox.count
    while let frame = try parser.next(in: raw) {
      guard frame.channel == 0 else { continue }
      switch frame.type {
      case .data: inbox.append(frame.payload)
      case .close: if inbox.count == before { throw TransportFailure.ended(nil) }
      case .hello, .helloAcknowledged, .open, .window, .placed: continue
      }
    }
    return inbox.count > before
  }

  func end() { socket.shutDown() }
}
