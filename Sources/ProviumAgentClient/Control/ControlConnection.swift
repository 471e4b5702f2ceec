import ProviumSystem
import Synchronization

/// The connection to the agent's control process. It carries interrupts, the ends of processes, and on a serial port also the
/// workers' connections.
///
/// A thread of its own reads, so that the end of a process is known at once. Thread-safe.
final class ControlConnection: Sendable {
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
  let alarm: EventDescriptor
  private let thread = Mutex<DedicatedThread?>(nil)

  /// Begins to connect, on a thread of its own. `awaitReady` returns the result.
  init(_ endpoint: GuestEndpoint, liveness: (any Liveness)?, until deadline: Deadline) throws {
    self.endpoint = endpoint
    self.liveness = liveness
    alarm = try EventDescriptor()
    let started = try DedicatedThread(name: "guest control", stackSize: 512 << 10) { [self] in
      ControlReader(self).run(until: deadline)
    }
    thread.withLock { $0 = started }
  }

  /// Ends the connection and its thread. Blocks until the thread has ended. Idempotent. Must not be called from that thread.
  func close() {
    alarm.raise()
    let thread = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    thread?.join()
    state.read { $0.socket }?.shutDown()
  }

  /// Blocks until the READY of the control process has come; nil when the deadline came first.
  func awaitReady(until deadline: Deadline) throws -> ReadyReply? {
    try state.wait(until: deadline) { state -> ReadyReply? in
      if let ready = state.ready { return ready }
      if let failure = state.failure { throw failure }
      return nil
    }
  }

  // MARK: Sending

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

  /// Sends a request to the control process and blocks until its one reply has come. One request runs at a time; other callers
  /// wait.
  func request(_ message: EncodedMessage, until deadline: Deadline) throws -> (
    code: MessageCode, payload: [UInt8]
  ) {
    let begun = try state.wait(until: deadline) { state -> Bool? in
      if let failure = state.failure { throw failure }
      if state.isRequesting { return nil }
      state.isRequesting = true
      state.reply = nil
      return true
    }
    guard begun == true else { throw TransportFailure.deadline }
    defer { state.update { $0.isRequesting = false } }
    try send(message, until: deadline)
    let reply = try state.wait(until: deadline) { state -> (MessageCode, [UInt8])? in
      if let reply = state.reply { return reply }
      if let failure = state.failure { throw failure }
      return nil
    }
    guard let reply else {
      state.update { $0.repliesToDrop += 1 }
      throw TransportFailure.deadline
    }
    return reply
  }

  // MARK: Connections of workers

  /// Opens a connection to a worker over the serial port.
  func openChannel(_ number: UInt16, until deadline: Deadline) throws -> LinkChannel {
    let channel = LinkChannel(number: number, port: self)
    let before = state.update { $0.channels.updateValue(channel, forKey: number) }
    before?.fail(.ended(nil))
    try sendFrame(.open, number, until: deadline)
    return channel
  }

  func closeChannel(_ channel: LinkChannel) {
    let isOurs = state.update { state -> Bool in
      guard state.channels[channel.number] === channel else { return false }
      state.channels[channel.number] = nil
      return true
    }
    channel.fail(.ended(nil))
    if isOurs { try? sendFrame(.close, channel.number, until: .after(.seconds(1))) }
  }

  private func sendFrame(_ type: LinkFrameType, _ number: UInt16, until deadline: Deadline) throws {
    let frame = LinkFrame.bytes(type, channel: number)
    try frame.withUnsafeBytes { bytes in
      var vectors = IOVectors([bytes])
      try write(&vectors, until: deadline)
    }
  }
}
