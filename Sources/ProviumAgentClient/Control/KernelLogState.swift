/// The state of the kernel log that a control connection follows.
struct KernelLogState {
  /// Payload bytes that the agent may send before the receiver has processed them.
  static let window: UInt32 = 256 << 10

  typealias Receiver = @Sendable (KernelLogBatch) -> Void

  var receiver: Receiver?
  /// Bytes that have been processed since credit was last given.
  var processed: UInt32 = 0
  var lastToken: UInt32 = 0
  var isSendingSync = false
  /// The token of the last barrier that has arrived.
  var synced: UInt32 = 0
}
