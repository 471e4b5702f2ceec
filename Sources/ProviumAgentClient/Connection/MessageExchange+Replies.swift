import ProviumSystem

extension MessageExchange {
  /// Sends a request and decodes its one reply. Blocks.
  func ask<Reply>(
    _ message: EncodedMessage,
    tail: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    _ code: MessageCode,
    what: String,
    until deadline: Deadline,
    _ decode: (UnsafeRawBufferPointer) throws -> Reply
  ) throws -> Reply {
    try send(message, tail: tail, what: what, until: deadline)
    return try answer(code, what: what, until: deadline, decode)
  }

  /// Receives the one reply to the oldest outstanding request. Blocks.
  func answer<Reply>(
    _ code: MessageCode,
    what: String,
    until deadline: Deadline,
    _ decode: (UnsafeRawBufferPointer) throws -> Reply
  ) throws -> Reply {
    var result: Reply?
    try receive(what: what, until: deadline) { came, payload in
      guard came == code else { throw UnexpectedReply() }
      result = try decode(payload)
      return .done
    }
    guard let result else { throw UnexpectedReply() }
    return result
  }

  /// Sends a request and passes the pieces of DATA that answer it to `piece`, until DONE. Blocks.
  func stream(
    _ message: EncodedMessage,
    what: String,
    until deadline: Deadline,
    _ piece: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try request(message, what: what, until: deadline) { code, payload in
      switch code {
      case .data:
        try piece(payload)
        return .more
      case .done:
        _ = try DoneReply(payload)
        return .done
      default: throw UnexpectedReply()
      }
    }
  }
}
