import ProviumSystem

/// The connection of a worker over the control port. The reader of the port fills it, and the thread that
/// uses the worker empties it.
final class LinkChannel: Transport, Sendable {
  private struct State {
    let inbox = ByteQueue()
    var failure: TransportFailure?
  }
  /// With more bytes than this in the channel, the port's reader blocks: a guest must not decide how much
  /// memory the host uses.
  private static let inboxLimit = 4 << 20
  /// The time after which the port's reader gives a full channel up.
  private static let roomTimeout = Duration.seconds(10)

  typealias Write = @Sendable (_ vectors: inout IOVectors, _ deadline: Deadline) throws -> Void

  let number: UInt16
  private let write: Write
  private let close: @Sendable (LinkChannel) -> Void
  private let state = Monitor(State())

  /// - Parameters:
  ///   - write: sends frames on the port.
  ///   - close: tells the agent that the channel has ended, and fails it.
  init(number: UInt16, write: @escaping Write, close: @escaping @Sendable (LinkChannel) -> Void) {
    self.number = number
    self.write = write
    self.close = close
  }

  // MARK: Called by the thread that uses the worker

  func send(_ segments: [UnsafeRawBufferPointer], until deadline: Deadline) throws {
    if let failure = state.read({ $0.failure }) { throw failure }
    // A few frames at a time, so that an INTERRUPT can be sent between them.
    try LinkFraming.each(segments, channel: number, framesPerBatch: 4) {
      try write(&$0, deadline)
    }
  }

  func receive(into inbox: ByteQueue, wanting: Int, until deadline: Deadline) throws -> Bool {
    let came = try state.wait(until: deadline) { state -> Bool? in
      if !state.inbox.isEmpty { return true }
      if let failure = state.failure { throw failure }
      return nil
    }
    guard came == true else { return false }
    state.update { state in
      inbox.append(state.inbox.bytes)
      state.inbox.clear()
    }
    return true
  }

  func end() { close(self) }

  // MARK: Called by the port's reader

  /// Adds received bytes. Blocks while the channel is full; then the whole port waits. The channel fails when
  /// it stays full.
  func deliver(_ bytes: UnsafeRawBufferPointer) {
    let hasRoom = state.wait(until: .after(Self.roomTimeout)) { state -> Bool? in
      if state.failure != nil { return false }
      return state.inbox.count < Self.inboxLimit ? true : nil
    }
    state.update { state in
      if hasRoom == true {
        state.inbox.append(bytes)
      } else if state.failure == nil {
        state.failure = .violation("more bytes than were asked for")
      }
    }
  }

  func fail(_ failure: TransportFailure) {
    state.update { if $0.failure == nil { $0.failure = failure } }
  }
}
