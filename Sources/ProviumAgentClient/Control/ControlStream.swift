import ProviumSystem

/// The stream to the agent's control process: what its reader and the threads that send have in common.
/// Thread-safe.
final class ControlStream: Sendable {
  struct State {
    var ready: ReadyReply?
    /// nil until connected.
    var socket: PolledSocket?
    /// The error that ended the connection.
    var failure: (any Error)?
    /// The cause of the VM's end.
    var causeOfDeath: (any Error)?
    /// Processes that are followed, oldest first, until their end is reported.
    var followed: [FollowedProcess] = []
    /// Ends of processes that are not followed yet.
    var unclaimed: [ProcessEnd] = []
    var channels: [UInt16: LinkChannel] = [:]
    var isSending = false
    var isRequesting = false
    /// The number of replies to requests whose caller has given up.
    var repliesToDrop = 0
    var reply: (code: MessageCode, payload: [UInt8])?
    /// The kernel log that is followed.
    var log = KernelLogState()
  }
  let state = Monitor(State())
  let endpoint: GuestEndpoint
  let liveness: (any Liveness)?
  /// Ends the reader and every wait when it is raised.
  let alarm: EventDescriptor

  init(_ endpoint: GuestEndpoint, liveness: (any Liveness)?) throws {
    self.endpoint = endpoint
    self.liveness = liveness
    alarm = try EventDescriptor()
  }

  /// Sends all segments. No other thread's bytes get between them.
  func write(_ vectors: inout IOVectors, until deadline: Deadline) throws {
    let socket = try state.wait(until: deadline) { state -> PolledSocket? in
      if let failure = state.failure { throw failure }
      guard let socket = state.socket, !state.isSending else { return nil }
      state.isSending = true
      return socket
    }
    guard let socket else { throw TransportFailure.deadline }
    defer { state.update { $0.isSending = false } }
    while !vectors.isEmpty { try socket.writeSome(&vectors, until: deadline) }
  }

  /// Sends a message on the control channel.
  func send(_ message: EncodedMessage, until deadline: Deadline) throws {
    let bytes = message.head.bytes
    try withExtendedLifetime(message) {
      if endpoint.isLink {
        try LinkFraming.each([bytes], channel: 0, framesPerBatch: 4) { try write(&$0, until: deadline) }
      } else {
        var vectors = IOVectors([bytes])
        try write(&vectors, until: deadline)
      }
    }
  }
}
