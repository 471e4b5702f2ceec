import Glibc
import ProviumSystem

/// The beginning of a session on a serial port, which tells neither side that the other is new.
enum LinkHandshake {
  /// Sends padding and HELLO, and drops everything up to the acknowledgement that bears the same nonce. Reads while
  /// it sends: the agent may be blocked in a write of the session before.
  static func perform(_ socket: PolledSocket, raw: ByteQueue, until deadline: Deadline) throws {
    let nonce = Random.bytes(WireLimit.nonceSize)
    let acknowledgement = LinkFrame.bytes(.helloAcknowledged, payload: nonce)
    let padding = [UInt8](repeating: 0, count: LinkFrame.paddingSize)
    let hello = LinkFrame.bytes(.hello, payload: nonce)
    try padding.withUnsafeBytes { padding in
      try hello.withUnsafeBytes { hello in
        var vectors = IOVectors([padding, hello])
        while !vectors.isEmpty {
          // Until the last byte of HELLO is out, all that comes is stale.
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

  /// The acknowledgement's bytes are known to the last one, so no frame around it needs to be believed: a cut-off
  /// frame of the old session would make a parser wait for bytes that never come.
  private static func take(_ acknowledgement: [UInt8], from raw: ByteQueue) -> Bool {
    // A shorter rest may be the answer's first bytes.
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
