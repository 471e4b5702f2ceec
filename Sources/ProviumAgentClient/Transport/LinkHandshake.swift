import Glibc
import ProviumSystem

/// The beginning of a connection on a serial port. The port itself tells neither side when the other one
/// starts again.
enum LinkHandshake {
  /// Sends padding and HELLO, and drops everything up to the acknowledgement with the same nonce. Blocks. It
  /// reads while it sends, because the agent may be blocked in a write of an earlier connection.
  static func perform(_ socket: PolledSocket, raw: ByteQueue, until deadline: Deadline) throws {
    let nonce = Random.bytes(WireLimit.nonceSize)
    let acknowledgement = LinkFrame.bytes(.helloAcknowledged, payload: nonce)
    let padding = [UInt8](repeating: 0, count: LinkFrame.paddingSize)
    let hello = LinkFrame.bytes(.hello, payload: nonce)
    try padding.withUnsafeBytes { padding in
      try hello.withUnsafeBytes { hello in
        var vectors = IOVectors([padding, hello])
        while !vectors.isEmpty {
          // Bytes that come before the last byte of HELLO is out belong to an earlier connection.
          try socket.writeSome(&vectors, until: deadline, discardingInput: raw)
        }
      }
    }
    while !take(acknowledgement, from: raw) {
      guard try socket.read(into: raw, wanting: 4096, until: deadline) else {
        throw TransportFailure.deadline
      }
    }
  }

  /// Removes everything up to the acknowledgement; false while it has not come. This compares bytes and
  /// parses no frames: a frame of an earlier connection that was cut off would make a parser wait for bytes
  /// that never come.
  private static func take(_ acknowledgement: [UInt8], from raw: ByteQueue) -> Bool {
    // A shorter rest may be the beginning of the acknowledgement.
    while raw.count >= acknowledgement.count, let base = raw.bytes.baseAddress {
      if memcmp(base, acknowledgement, acknowledgement.count) == 0 {
        raw.consume(acknowledgement.count)
        return true
      }
      let next = memchr(base + 1, Int32(acknowledgement[0]), raw.count - 1)
      raw.consume(next.map { UnsafeRawPointer($0) - base } ?? raw.count)
    }
    return false
  }
}
