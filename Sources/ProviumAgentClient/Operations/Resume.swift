import ProviumSystem

extension AgentConnection {
  /// Adapts a guest that was resumed from a snapshot: sets its clock and reseeds its random numbers.
  /// - Parameters:
  ///   - realtime: nanoseconds since 1970; 0 leaves the clock unchanged.
  ///   - seed: `WireLimit.seedSize` new random bytes.
  ///   - meanwhile: runs while the guest does it. Its error is thrown after the reply.
  @discardableResult
  func resume(
    realtime: UInt64,
    seed: [UInt8],
    until deadline: Deadline,
    meanwhile: () throws -> Void = {}
  ) throws -> ResumedReply {
    let nonce = Random.bytes(WireLimit.nonceSize)
    return try perform("resume", []) { exchange in
      let message = try Request.resume(nonce: nonce, realtimeNanoseconds: realtime, seed: seed)
      try exchange.send(message, what: "resume", until: deadline)
      let other = Result(catching: meanwhile)
      let reply = try exchange.answer(.resumed, what: "resume", until: deadline) { payload in
        let reply = try ResumedReply(payload)
        // A reply with another nonce answers another request.
        guard reply.nonce == nonce else { throw MessageExchange.UnexpectedReply() }
        return reply
      }
      try other.get()
      return (reply, .nothing)
    }
  }
}

extension Request {
  /// Encodes RESUME.
  static func resume(nonce: [UInt8], realtimeNanoseconds: UInt64, seed: [UInt8]) throws -> EncodedMessage {
    guard nonce.count == WireLimit.nonceSize else {
      throw InvalidArgument(.nonce, "has \(nonce.count) bytes")
    }
    guard seed.count == WireLimit.seedSize else { throw InvalidArgument(.seed, "has \(seed.count) bytes") }
    let writer = MessageWriter(.resume)
    writer.bytes(nonce)
    writer.integer(realtimeNanoseconds)
    writer.bytes(seed)
    return try writer.finish()
  }
}

/// The state of a guest after its resume; decoded from RESUMED: `nonce[16], cid u32, jobs u32, workers u32`.
package struct ResumedReply: Hashable, Sendable {
  let nonce: [UInt8]
  /// The vsock CID of the guest; 0 in a guest without vsock.
  package let cid: UInt32
  package let jobs: UInt32
  package let workers: UInt32

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    nonce = try reader.array(WireLimit.nonceSize)
    cid = try reader.integer()
    jobs = try reader.integer()
    workers = try reader.integer()
    try reader.finish()
  }
}
