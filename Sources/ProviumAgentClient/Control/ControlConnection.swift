import ProviumSystem
import Synchronization

/// The connection to the agent's control process. It carries interrupts, the ends of processes, and on a
/// serial port also the workers' connections.
///
/// A thread of its own reads, so that the end of a process is known at once. Thread-safe.
final class ControlConnection: Sendable {
  let stream: ControlStream
  private let thread = Mutex<DedicatedThread?>(nil)

  var state: Monitor<ControlStream.State> { stream.state }
  /// Ends the connection when it is raised.
  var alarm: EventDescriptor { stream.alarm }

  /// Begins to connect, on a thread of its own. `awaitReady` returns the result.
  init(_ endpoint: GuestEndpoint, liveness: (any Liveness)?, until deadline: Deadline) throws {
    let stream = try ControlStream(endpoint, liveness: liveness)
    self.stream = stream
    let started = try DedicatedThread(name: "guest control", stackSize: 512 << 10) {
      ControlReader(stream).run(until: deadline)
    }
    thread.withLock { $0 = started }
  }

  /// Ends the connection and its thread. Blocks until the thread has ended. Idempotent. Must not be called
  /// from that thread.
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

  // MARK: Requests

  /// Sends a request to the control process and blocks until its one reply has come. One request runs at a
  /// time; other callers wait.
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
    try stream.send(message, until: deadline)
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
}
