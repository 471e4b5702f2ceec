import ProviumSystem

extension ControlStream {
  /// Sends LOG_SYNC. Tokens arrive in ascending order: the agent replaces a pending one by the next, and must
  /// not replace it by an older one.
  func sendLogSync(until deadline: Deadline) throws -> UInt32 {
    let begun: Void? = try state.wait(until: deadline) { state in
      if let failure = state.failure { throw failure }
      if state.log.isSendingSync { return nil }
      state.log.isSendingSync = true
      return ()
    }
    guard begun != nil else { throw TransportFailure.deadline }
    defer { state.update { $0.log.isSendingSync = false } }
    let token = state.update { state -> UInt32 in
      state.log.lastToken += 1
      return state.log.lastToken
    }
    try send(try Request.logSync(token), until: deadline)
    return token
  }

  private static let creditTimeout = Duration.seconds(10)

  /// Passes a message of records to the receiver and gives credit for it. Called on the thread of the reader.
  func take(_ reply: LogRecordsReply, size: Int) throws {
    let receiver = state.read { $0.log.receiver }
    if !reply.batch.records.isEmpty || reply.batch.lost != 0 { receiver?(reply.batch) }
    let credit = state.update { state -> UInt32 in
      if reply.token != 0 { state.log.synced = max(state.log.synced, reply.token) }
      state.log.processed += UInt32(size)
      guard state.log.processed >= KernelLogState.window / 4 else { return 0 }
      defer { state.log.processed = 0 }
      return state.log.processed
    }
    if credit != 0 { try send(try Request.logCredit(credit), until: .after(Self.creditTimeout)) }
  }
}

extension Request {
  /// Encodes FOLLOW_LOG.
  static func followLog(_ start: KernelLogStart, credit: UInt32) throws -> EncodedMessage {
    let writer = MessageWriter(.followLog)
    writer.integer(start.rawValue)
    writer.integer(credit)
    return try writer.finish()
  }

  /// Encodes LOG_CREDIT.
  static func logCredit(_ bytes: UInt32) throws -> EncodedMessage {
    let writer = MessageWriter(.logCredit)
    writer.integer(bytes)
    return try writer.finish()
  }

  /// Encodes LOG_SYNC.
  static func logSync(_ token: UInt32) throws -> EncodedMessage {
    let writer = MessageWriter(.logSync)
    writer.integer(token)
    return try writer.finish()
  }
}
