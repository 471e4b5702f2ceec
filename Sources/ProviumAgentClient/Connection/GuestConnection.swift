internal import CProviumWire
import ProviumSystem
import Synchronization

/// Messages over one connection: a request goes out, replies come back until the last one. Used by one thread.
///
/// A connection that has failed stays failed: every later request throws the first error again.
final class GuestConnection {
  /// What a reply means for the request it answers.
  enum Progress { case more, done }

  let peer: GuestPeer
  /// For messages: "the agent", "worker 3 (pid 57)".
  let name: String
  let pid: Int32
  private let transport: any Transport
  private let control: ControlConnection?
  /// Of the process at the other end.
  let life: ProcessLife?
  private let inbox: ByteQueue
  private var consumed = 0
  private var failure: (any Error)?
  /// Set by whoever ends the connection on purpose.
  private let isEnded = Atomic(false)
  /// Requests sent since READY, and those whose last reply has not come. INTERRUPT names requests by their number.
  private var sent: UInt32 = 0
  private var outstanding: UInt32 = 0
  private var lastCode = MessageCode.echo
  /// How long an operation that is over its time may take to end once it has been interrupted.
  static let graceAfterInterrupt = Duration.seconds(2)
  /// How long the end of a connection waits for its reason: a little more than the control connection's reader takes to
  /// learn that there is none.
  static let graceForLastWords = Duration.milliseconds(1500)

  /// - Parameter inbox: what has been received behind READY.
  init(
    peer: GuestPeer,
    name: String,
    pid: Int32,
    transport: any Transport,
    control: ControlConnection?,
    life: ProcessLife?,
    inbox: ByteQueue
  ) {
    self.peer = peer
    self.name = name
    self.pid = pid
    self.transport = transport
    self.control = control
    self.life = life
    self.inbox = inbox
  }

  /// Ends the connection: what is under way fails, and so does what follows. Idempotent; any thread.
  func end() {
    isEnded.store(true, ordering: .releasing)
    transport.end()
  }

  var isUsable: Bool { failure == nil && !isEnded.load(ordering: .acquiring) }

  // MARK: one request

  /// Sends `message` with `tail` behind it and hands each reply to `reply` until that says it was the last.
  ///
  /// ERROR becomes `GuestError.refused`. After the deadline the operation is interrupted and gets two more seconds to
  /// end. When `reply` throws, the operation is ended the same way and the error goes on.
  func request(
    _ message: EncodedMessage,
    tail: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    what: String,
    until deadline: Deadline,
    _ reply: (MessageCode, UnsafeRawBufferPointer) throws -> Progress
  ) throws {
    try send(message, tail: tail, what: what, until: deadline)
    try receive(what: what, until: deadline, reply)
  }

  /// Sends a request without waiting for its reply; `receive` must follow. Several may be under way if the replies are
  /// small: nobody reads them meanwhile.
  func send(
    _ message: EncodedMessage,
    tail: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    what: String,
    until deadline: Deadline
  ) throws {
    if let failure { throw failure }
    if let known = knownLoss() { throw fail(known) }
    if isEnded.load(ordering: .acquiring) { throw GuestError.lost(peer, "\(name) is no longer connected") }
    lastCode = message.code
    sent &+= 1
    outstanding += 1
    do {
      try withExtendedLifetime(message) { try transport.send([message.head.bytes, tail], until: deadline) }
    } catch TransportFailure.deadline {
      // Half a message is out; nothing can follow it.
      throw fail(GuestError.unresponsive("\(what): \(name) does not take the request"))
    } catch {
      throw fail(explain(error, what))
    }
  }

  /// Takes replies up to the last one of the oldest request that is under way.
  func receive(
    what: String,
    until deadline: Deadline,
    _ reply: (MessageCode, UnsafeRawBufferPointer) throws -> Progress
  ) throws {
    while true {
      guard let message = try next(what: what, until: deadline) else {
        try endOverdue(what: what)
        throw GuestError.timedOut("\(what) was not done in time and has been ended")
      }
      do {
        if message.code == .error { throw try refusal(message, what) }
        if try reply(message.code, message.payload) == .more { continue }
        outstanding -= 1
        return
      } catch is MalformedPayload {
        throw fail(violation(message, "a malformed"))
      } catch is UnexpectedReply {
        throw fail(violation(message, "an unexpected"))
      } catch GuestError.refused(let errno, let text) {
        outstanding -= 1
        throw GuestError.refused(errno, message: text)
      } catch {
        // The caller wants no more of it.
        if isLast(message.code) { outstanding -= 1 }
        try endOverdue(what: what)
        throw error
      }
    }
  }

  /// A reply whose type does not answer the request. Thrown by the closures given to `request`.
  struct UnexpectedReply: Error {}

  // MARK: overdue requests

  /// Interrupts whatever is under way and takes its replies up to the last; throws when that fails too.
  private func endOverdue(what: String) throws {
    guard outstanding > 0 else { return }
    let grace = Deadline.after(Self.graceAfterInterrupt)
    if let control {
      // What it waits for may be the kernel or a command; both end.
      let interrupt = try Request.interrupt(
        target: peer.target,
        command: true,
        request: sent &- outstanding &+ 1
      )
      try? control.send(interrupt, until: grace)
    }
    while outstanding > 0 {
      guard let message = try next(what: what, until: grace) else {
        throw fail(GuestError.unresponsive("\(what) was not done in time, and \(name) cannot be interrupted"))
      }
      if isLast(message.code) { outstanding -= 1 }
    }
  }

  private func isLast(_ code: MessageCode) -> Bool {
    switch code {
    case .output: false
    case .data: lastCode == .echo
    default: true
    }
  }

  // MARK: messages

  private typealias Message = (code: MessageCode, payload: UnsafeRawBufferPointer)

  /// The next message, valid until the next call; nil when the deadline came first.
  private func next(what: String, until deadline: Deadline) throws -> Message? {
    inbox.consume(consumed)
    consumed = 0
    while true {
      do {
        var wanting = WireLimit.headerSize
        if let header = try MessageHeader(inbox, limit: WireLimit.payload, sender: name) {
          if inbox.count >= header.messageSize {
            consumed = header.messageSize
            let bytes = inbox.bytes[WireLimit.headerSize..<header.messageSize]
            return (header.code, UnsafeRawBufferPointer(rebasing: bytes))
          }
          wanting = header.messageSize - inbox.count
        }
        guard try transport.receive(into: inbox, wanting: wanting, until: deadline) else { return nil }
      } catch {
        throw fail(explain(error, what))
      }
    }
  }

  /// Takes READY, the first message of a connection; nil when the deadline came first.
  func takeReady(until deadline: Deadline) throws -> ReadyReply? {
    guard let message = try next(what: "connect", until: deadline) else { return nil }
    if message.code == .error { throw fail(try refusal(message, "connect")) }
    guard message.code == .ready else { throw fail(violation(message, "an unexpected")) }
    do {
      return try ReadyReply(message.payload)
    } catch {
      throw fail(violation(message, "a malformed"))
    }
  }

  /// What has come behind the last message; the connection is done with it.
  var rest: ByteQueue {
    inbox.consume(consumed)
    consumed = 0
    return inbox
  }

  private func refusal(_ message: Message, _ what: String) throws -> GuestError {
    let error = try ErrorReply(message.payload)
    let errno = Errno(error.errno)
    let known = error.message.contains(errno.name) ? "" : " (\(errno.name))"
    return .refused(errno, message: "\(what): \(error.message)\(known)")
  }

  private func violation(_ message: Message, _ what: String) -> GuestError {
    .violation(ProtocolViolation(sender: name, code: message.code, length: message.payload.count, what: what))
  }

  // MARK: the end

  /// The first error stays.
  private func fail(_ error: any Error) -> any Error {
    if let failure { return failure }
    failure = error
    transport.end()
    return error
  }

  private func knownLoss() -> (any Error)? {
    if let cause = control?.state.read({ $0.causeOfDeath }) { return cause }
    return life?.departure.map { GuestError.lost(peer, "\(name) \($0.asPredicate)") }
  }

  /// Turns what the carrier said into what a person understands, with the reason of the peer's death where it becomes
  /// known in time.
  private func explain(_ error: any Error, _ what: String) -> any Error {
    guard let carrier = error as? TransportFailure else { return error }
    switch carrier {
    case .died(let cause): return cause
    case .violation(let text): return GuestError.lost(peer, "\(what): \(name) sent \(text)")
    case .deadline: return GuestError.unresponsive("\(what): \(name) does not take the request")
    case .alarm, .ended:
      if isEnded.load(ordering: .acquiring) {
        return knownLoss() ?? GuestError.lost(peer, "\(what): \(name) has been disconnected")
      }
      switch control?.reasonOfLoss(of: life, until: .after(Self.graceForLastWords)) {
      case .machine(let cause): return cause
      case .process(let gone): return GuestError.lost(peer, "\(what): \(name) \(gone.asPredicate)")
      case .unknown, nil:
        var detail = ""
        if case .ended(let errno?) = carrier { detail = ": \(errno)" }
        return GuestError.lost(peer, "\(what): the connection to \(name) has ended\(detail)")
      }
    }
  }
}

extension ExitStatus {
  /// Follows "worker 3": `was killed by SIGSEGV`, `ended with exit code 1`.
  var asPredicate: String {
    switch self {
    case .exited(let code): "ended with exit code \(code)"
    // Our own interrupt is no cause: an agent survives it.
    case .signaled(PV_INTERRUPT_SIGNAL):
      "is gone: its process was no longer the agent's (execve, or its signal handlers were reset)"
    case .signaled: "was \(self)"
    }
  }
}
