import ProviumSystem

/// A worker's connection over the control port: filled by the port's reader, emptied by the worker's own thread.
final class LinkChannel: Transport, Sendable {
  private struct State {
    let inbox = ByteQueue()
    var failure: TransportFailure?
  }
  /// More than this waits in the port: memory stays bounded whatever a guest sends.
  private static let inboxLimit = 4 << 20
  /// How long the port waits for a reader before it takes this channel for abandoned.
  private static let patience = Duration.seconds(10)

  let number: UInt16
  private let port: ControlConnection
  private let state = Monitor(State())

  init(number: UInt16, port: ControlConnection) {
    self.number = number
    self.port = port
  }

  // MARK: the worker's thread

  func send(_ segments: [UnsafeRawBufferPointer], until deadline: Deadline) throws {
    if let failure = state.read({ $0.failure }) { throw failure }
    // Few frames at a time: an INTERRUPT gets between.
    try LinkFraming.each(segments, channel: number, framesPerBatch: 4) {
      try port.write(&$0, until: deadline)
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

  func end() { port.closeChannel(self) }

  // MARK: the port's reader

  /// Blocks, and with it the port, while the worker's thread has not made room; in the end the channel fails.
  func deliver(_ bytes: UnsafeRawBufferPointer) {
    let hasRoom = state.wait(until: .after(Self.patience)) { state -> Bool? in
      if state.failure != nil { return false }
      return state.inbox.count < Self.inboxLimit ? true : nil
    }
    state.update { state in
      if hasRoom == true {
        state.inbox.append(bytes)
      } else if state.failure == nil {
        state.failure = .violation("more bytes than anybody asked for")
      }
    }
  }

  func fail(_ failure: TransportFailure) {
    state.update { if $0.failure == nil { $0.failure = failure } }
  }
}
