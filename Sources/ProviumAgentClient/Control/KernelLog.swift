package import ProviumSystem

/// A record of a guest's kernel log, as `/dev/kmsg` has it. Comes from the guest: hostile input.
package struct KernelLogRecord: Hashable, Sendable {
  /// The kernel's number of the record. Numbers have no gaps unless records were lost.
  package let sequence: UInt64
  /// Microseconds since the guest's boot.
  package let microseconds: UInt64
  /// Facility × 8 + level, as in `syslog(3)`.
  package let priority: UInt16
  /// Whether the record is a part of a line.
  package let isFragment: Bool
  /// Whether the text was longer than the agent sends.
  package let isTruncated: Bool
  /// The message without a time stamp; any bytes, also newlines.
  package let text: [UInt8]

  /// 0 (emergency) to 7 (debug).
  package var level: Int { Int(priority & 7) }
  /// Whether the kernel itself has logged the record. The kernel gives this facility to no program.
  package var isKernel: Bool { priority >> 3 == 0 }
}

/// Records that have arrived together, in order.
package struct KernelLogBatch: Hashable, Sendable {
  package let records: [KernelLogRecord]
  /// Records that the guest's kernel has overwritten since the last batch, before the agent could read them.
  package let lost: UInt64
}

/// The first record to follow.
package enum KernelLogStart: UInt32, Sendable {
  /// The oldest record that the kernel has kept.
  case oldest = 0
  /// The record after the last one that an earlier connection of this boot has received, also before a snapshot.
  case afterLast = 1
  /// The next record that is logged.
  case newest = 2
}

/// What a control connection knows of the log that it follows.
struct KernelLogState {
  typealias Receiver = @Sendable (KernelLogBatch) -> Void

  var receiver: Receiver?
  /// Bytes that have been processed since credit was last given.
  var processed: UInt32 = 0
  var lastToken: UInt32 = 0
  /// The token of the last barrier that has arrived.
  var synced: UInt32 = 0
}

extension GuestAgent {
  /// Payload bytes that the agent may send before `receiver` has processed them.
  static let logWindow: UInt32 = 256 << 10

  /// Follows the guest's kernel log until the connection ends.
  ///
  /// `receiver` is called on the thread that reads the control connection. Until it returns nothing else is received on it,
  /// so it must not block and must not call the agent. The agent sends at most 288 KiB that it has not processed; the
  /// guest's kernel overwrites what is logged meanwhile, and the batch counts it.
  /// - Throws: `GuestError.refused` if the guest's kernel has no log.
  package func followKernelLog(
    from start: KernelLogStart,
    until deadline: Deadline,
    _ receiver: @escaping @Sendable (KernelLogBatch) -> Void
  ) throws {
    control.state.update { $0.log.receiver = receiver }
    do {
      let message = try Request.followLog(start, credit: Self.logWindow)
      try askControl(message, "follow the kernel log", until: deadline)
    } catch {
      control.state.update { $0.log.receiver = nil }
      throw error
    }
  }

  /// Waits until everything that the guest's kernel has logged so far has been received. Thread-safe.
  /// - Returns: false if the deadline came first.
  package func syncKernelLog(until deadline: Deadline) throws -> Bool {
    // Tokens are sent in ascending order: a later barrier includes an earlier one.
    let token = try control.sendLogSync(until: deadline)
    let synced = try control.state.wait(until: deadline) { state -> Bool? in
      if state.log.synced >= token { return true }
      if let failure = state.failure { throw failure }
      return nil
    }
    return synced ?? false
  }
}

extension ControlConnection {
  fileprivate func sendLogSync(until deadline: Deadline) throws -> UInt32 {
    let token = state.update { state -> UInt32 in
      state.log.lastToken += 1
      return state.log.lastToken
    }
    try send(try Request.logSync(token), until: deadline)
    return token
  }

  private static let creditPatience = Duration.seconds(10)

  /// Hands a message of records to the receiver and gives credit for it. On the reader's thread.
  func take(_ reply: LogRecordsReply, size: Int) throws {
    let receiver = state.read { $0.log.receiver }
    if !reply.batch.records.isEmpty || reply.batch.lost != 0 { receiver?(reply.batch) }
    let credit = state.update { state -> UInt32 in
      if reply.token != 0 { state.log.synced = max(state.log.synced, reply.token) }
      state.log.processed += UInt32(size)
      guard state.log.processed >= GuestAgent.logWindow / 4 else { return 0 }
      defer { state.log.processed = 0 }
      return state.log.processed
    }
    if credit != 0 { try send(try Request.logCredit(credit), until: .after(Self.creditPatience)) }
  }
}
