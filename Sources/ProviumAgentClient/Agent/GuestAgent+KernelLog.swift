package import ProviumSystem

extension GuestAgent {
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
      let message = try Request.followLog(start, credit: KernelLogState.window)
      try askControl(message, "follow the kernel log", until: deadline)
    } catch {
      control.state.update { $0.log.receiver = nil }
      throw error
    }
  }

  /// Waits until everything that the guest's kernel has logged so far has been received. Thread-safe.
  /// - Returns: false if the deadline came first.
  package func syncKernelLog(until deadline: Deadline) throws -> Bool {
    try awaitKernelLogSync(try requestKernelLogSync(until: deadline), until: deadline)
  }

  /// Waits until everything has been received that was asked for with that token. Thread-safe.
  /// - Returns: false if the deadline came first.
  package func awaitKernelLogSync(_ token: UInt32, until deadline: Deadline) throws -> Bool {
    let synced = try control.state.wait(until: deadline) { state -> Bool? in
      if state.log.synced >= token { return true }
      if let failure = state.failure { throw failure }
      return nil
    }
    return synced ?? false
  }

  /// Asks for everything that the guest's kernel has logged so far. Does not wait for it. Thread-safe.
  /// - Returns: a token for `hasSyncedKernelLog`. A later request includes an earlier one.
  package func requestKernelLogSync(until deadline: Deadline) throws -> UInt32 {
    try control.stream.sendLogSync(until: deadline)
  }

  /// Whether everything has been received that was asked for with that token. Thread-safe.
  package func hasSyncedKernelLog(_ token: UInt32) -> Bool { control.state.read { $0.log.synced >= token } }
}
