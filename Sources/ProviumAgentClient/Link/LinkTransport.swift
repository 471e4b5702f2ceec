import Glibc
import ProviumSystem

/// The main port: link frames of channel 0, one connection, used by one thread.
final class LinkTransport: Transport {
  private let socket: PolledSocket
  private let raw: ByteQueue
  private var parser = LinkParser()
  private static let readSize = 256 << 10

  /// After the handshake; `raw` holds what came behind the acknowledgement.
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

  /// Moves complete frames; whether there were any with bytes.
  private func sort(into inbox: ByteQueue) throws -> Bool {
    let before = inbox.count
    while let frame = try parser.next(in: raw) {
      guard frame.channel == 0 else { continue }
      switch frame.type {
      case .data: inbox.append(frame.payload)
      case .close: if inbox.count == before { throw TransportFailure.ended(nil) }
      case .hello, .helloAcknowledged, .open: continue
      }
    }
    return inbox.count > before
  }

  func end() { socket.shutDown() }
}

/// Cuts segments into frames: each payload is a part of one segment, sent from where it is.
enum LinkFraming {
  /// Calls `send` with up to `framesPerBatch` frames at a time.
  static func each(
    _ segments: [UnsafeRawBufferPointer],
    channel: UInt16,
    framesPerBatch: Int,
    _ send: (inout IOVectors) throws -> Void
  ) throws {
    let headers = UnsafeMutableRawPointer.allocate(
      byteCount: LinkFrame.headerSize * framesPerBatch,
      alignment: 8
    )
    defer { headers.deallocate() }
    var parts: [UnsafeRawBufferPointer] = []
    parts.reserveCapacity(2 * framesPerBatch)
    for segment in segments {
      var rest = segment
      while !rest.isEmpty {
        let payload = UnsafeRawBufferPointer(rebasing: rest.prefix(LinkFrame.maxPayload))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(payload.count))
        let header = headers + LinkFrame.headerSize * (parts.count / 2)
        LinkFrame.writeHeader(.data, channel: channel, payload: payload, to: header)
        parts.append(UnsafeRawBufferPointer(start: header, count: LinkFrame.headerSize))
        parts.append(payload)
        if parts.count == 2 * framesPerBatch { try flush(&parts, send) }
      }
    }
    try flush(&parts, send)
  }

  private static func flush(
    _ parts: inout [UnsafeRawBufferPointer],
    _ send: (inout IOVectors) throws -> Void
  ) throws {
    if parts.isEmpty { return }
    var vectors = IOVectors(parts)
    parts.removeAll(keepingCapacity: true)
    try send(&vectors)
  }
}
