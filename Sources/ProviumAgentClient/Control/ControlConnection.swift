import ProviumSystem
import Synchronization

/// The connection to the agent's control process: interrupts, deaths, and over a serial port the workers' streams.
///
/// One thread of its own reads, so that a death is known at once, whoever waits for whatever. Any thread may send.
final class ControlConnection: Sendable {
  struct State {
    var ready: ReadyReply?
    /// nil until connected.
    var socket: PolledSocket?
    /// What ended it; nothing comes any more.
    var failure: (any Error)?
    /// The machine's own cause of death.
    var causeOfDeath: (any Error)?
    /// Processes that are followed, oldest first, until their end is told.
    var lives: [ProcessLife] = []
    /// Ends of processes that nobody follows.
    var unclaimed: [Departure] = []
    var channels: [UInt16: LinkChannel] = [:]
    var isSending = false
    var isRequesting = false
    /// Replies of requests that were given up.
    var repliesToDrop = 0
    var reply: (code: MessageCode, payload: [UInt8])?
    var log = KernelLogState()
  }
  let state = Monitor(State())
  let endpoint: GuestEndpoint
  let vitals: (any VitalSigns)?
  let alarm: EventDescriptor
  private let thread = Mutex<DedicatedThread?>(nil)

  /// Begins to connect, on a thread of its own; `awaitReady` tells how it went.
  init(_ endpoint: GuestEndpoint, vitals: (any VitalSigns)?, until deadline: Deadline) throws {
    self.endpoint = endpoint
    self.vitals = vitals
    alarm = try EventDescriptor()
    let started = try DedicatedThread(name: "guest control", stackSize: 512 << 10) { [self] in
      ControlReader(self).run(until: deadline)
    }
    thread.withLock { $0 = started }
  }

  /// Ends the connection and its thread. Twice is fine. Not from the thread itself.
  func close() {
    alarm.raise()
    let thread = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    thread?.join()
    state.read { $0.socket }?.shutDown()
  }

  /// What the control process said of itself; nil when the deadline came first.
  func awaitReady(until deadline: Deadline) throws -> ReadyReply? {
    try state.wait(until: deadline) { state -> ReadyReply? in
      if let ready = state.ready { return ready }
      if let failure = state.failure { throw failure }
      return nil
    }
  }

  // MARK: sending

  /// Sends all of it, in one go as far as others are concerned.
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

  /// Asks control itself and waits for the one reply. One request at a time; others wait.
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

  // MARK: workers' channels

  /// Begins a connection to a worker over the port.
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
