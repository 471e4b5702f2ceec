import ProviumSystem
import Synchronization

/// Requests and replies on one connection: a request is sent, and replies are received up to the last one.
/// One thread uses it at a time.
///
/// A failed connection stays failed: every later request throws the first error again.
final class MessageExchange {
  /// Whether more replies to the same request follow.
  enum Progress { case more, done }

  let peer: GuestPeer
  /// For messages: "the agent", "worker 3 (pid 57)".
  let name: String
  let pid: Int32
  private let transport: any Transport
  private let control: ControlConnection?
  /// The process at the other end.
  let process: FollowedProcess?
  private let inbox: ByteQueue
  private var consumed = 0
  private var failure: (any Error)?
  /// Set when the connection is ended on purpose.
  private let isEnded = Atomic(false)
  /// The number of requests since READY, by which INTERRUPT names a request, and the number of those whose
  /// last reply has not come.
  private var sent: UInt32 = 0
  private var outstanding: UInt32 = 0
  private var lastCode = MessageCode.echo
  /// The time that an interrupted operation has to end.
  static let interruptTimeout = Duration.seconds(2)
  /// The time that the search for the cause of a lost connection may take: more than the reader of the
  /// control connection needs to find that there is none. On a busy host the guest reports the end of a
  /// process late.
  static let causeTimeout = Duration.seconds(5)

  /// - Parameter inbox: bytes that were received after READY.
  init(
    peer: GuestPeer,
    name: String,
    pid: Int32,
    transport: any Transport,
    control: ControlConnection?,
    process: FollowedProcess?,
    inbox: ByteQueue
  ) {
    self.peer = peer
    self.name = name
    self.pid = pid
    self.transport = transport
    self.control = control
    self.process = process
    self.inbox = inbox
  }

  /// Ends the connection: the current request fails, and so does every later one. Idempotent, thread-safe.
  func end() {
    isEnded.store(true, ordering: .releasing)
    transport.end()
  }

  /// The number of the next request, by which INTERRUPT names it.
  var nextRequest: UInt32 { sent &+ 1 }

  var isUsable: Bool { failure == nil && !isEnded.load(ordering: .acquiring) }

  // MARK: One request

  /// Sends `message` and its tail, and passes each reply to `reply` until that returns `.done`. Blocks.
  ///
  /// An ERROR becomes `GuestError.refused`. After the deadline the operation is interrupted and has two more
  /// seconds to end. When `reply` throws, the operation is ended the same way, and the error is passed on.
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

  /// Sends a request without waiting for its reply; `receive` must follow. Several requests may be sent first
  /// if their replies are small, because replies are not read in the meantime.
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
      // A part of the message is sent; no other message can follow it.
      throw fail(GuestError.unresponsive("\(what): \(name) does not take the request"))
    } catch {
      throw fail(explain(error, what))
    }
  }

  /// Receives the replies to the oldest outstanding request, up to the last one. Blocks.
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
        // The caller wants no more replies.
        if isLast(message.code) { outstanding -= 1 }
        try endOverdue(what: what)
        throw error
      }
    }
  }

  /// A reply whose type does not answer the request. The closures given to `request` throw it.
  struct UnexpectedReply: Error {}

  // MARK: Overdue requests

  /// Interrupts the outstanding requests and receives their replies up to the last one. Throws when that
  /// fails too.
  private func endOverdue(what: String) throws {
    guard outstanding > 0 else { return }
    let grace = Deadline.after(Self.interruptTimeout)
    if let control {
      // The operation may wait for the kernel or for a command; this ends both.
      let interrupt = try Request.interrupt(
        target: peer.target,
        command: true,
        request: sent &- outstanding &+ 1
      )
      try? control.stream.send(interrupt, until: grace)
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

  // MARK: Messages

  private typealias Message = (code: MessageCode, payload: UnsafeRawBufferPointer)

  /// Receives the next message. It is valid until the next call; nil when the deadline came first.
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

  /// Receives READY, the first message of a connection; nil when the deadline came first.
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

  /// The bytes that were received after the last message. This exchange does not use them any more.
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

  // MARK: The end

  /// Marks the connection as failed. Returns the first error that did so.
  private func fail(_ error: any Error) -> any Error {
    if let failure { return failure }
    failure = error
    transport.end()
    return error
  }

  private func knownLoss() -> (any Error)? {
    if let cause = control?.state.read({ $0.causeOfDeath }) { return cause }
    return process?.end.map { GuestError.lost(peer, "\(name) \($0.asPredicate)") }
  }

  /// Makes an error for people of an error of the carrier, with the cause of the peer's end where that
  /// becomes known in time.
  private func explain(_ error: any Error, _ what: String) -> any Error {
    if let violation = error as? ProtocolViolation { return GuestError.violation(violation) }
    guard let carrier = error as? TransportFailure else { return error }
    switch carrier {
    case .died(let cause): return cause
    case .violation(let text): return GuestError.lost(peer, "\(what): \(name) sent \(text)")
    case .deadline: return GuestError.unresponsive("\(what): \(name) does not take the request")
    case .alarm, .ended:
      if isEnded.load(ordering: .acquiring) {
        return knownLoss() ?? GuestError.lost(peer, "\(what): \(name) has been disconnected")
      }
      switch control?.causeOfLoss(of: process, until: .after(Self.causeTimeout)) {
      case .vm(let cause): return cause
      case .process(let end): return GuestError.lost(peer, "\(what): \(name) \(end.asPredicate)")
      case .unknown, nil:
        var detail = ""
        if case .ended(let errno?) = carrier { detail = ": \(errno)" }
        return GuestError.lost(peer, "\(what): the connection to \(name) has ended\(detail)")
      }
    }
  }
}
