import ProviumSystem

/// The body of the thread that reads the control connection: it connects, receives messages and frames, and
/// delivers them.
struct ControlReader {
  private let stream: ControlStream
  private let inbox = ByteQueue(capacity: 64 << 10)
  private let raw = ByteQueue(capacity: 256 << 10)
  /// The messages of the control process are small. A larger one breaks the protocol.
  private static let messageLimit = 1 << 20

  init(_ stream: ControlStream) { self.stream = stream }

  func run(until deadline: Deadline) {
    do {
      try serve(try connect(until: deadline))
    } catch {
      end(error)
    }
  }

  private func connect(until deadline: Deadline) throws -> PolledSocket {
    let dialler = Dialler(peer: .control, alarm: stream.alarm, liveness: stream.liveness)
    let endpoint = stream.endpoint
    let socket: PolledSocket
    if endpoint.isLink {
      socket = try dialler.dial(endpoint, until: deadline)
      try LinkHandshake.perform(socket, raw: raw, until: deadline)
    } else {
      socket = try dialler.dialAnswering(endpoint, into: inbox, until: deadline)
    }
    stream.state.update { $0.socket = socket }
    return socket
  }

  private func serve(_ socket: PolledSocket) throws {
    var parser = LinkParser()
    while true {
      if stream.endpoint.isLink {
        while let frame = try parser.next(in: raw) { take(frame) }
      }
      while let message = try nextMessage() { try handle(message.code, message.payload) }
      let target = stream.endpoint.isLink ? raw : inbox
      _ = try socket.read(into: target, wanting: 128 << 10, until: .never)
    }
  }

  private func take(_ frame: LinkFrame) {
    if frame.channel == 0 {
      if frame.type == .data { inbox.append(frame.payload) }
      return
    }
    guard let channel = stream.state.read({ $0.channels[frame.channel] }) else { return }
    switch frame.type {
    case .data: channel.deliver(frame.payload)
    case .close: channel.fail(.ended(nil))
    case .hello, .helloAcknowledged, .open, .window, .placed: return
    }
  }

  // MARK: Messages

  private static let sender = "the agent's control process"

  private func nextMessage() throws -> (code: MessageCode, payload: [UInt8])? {
    let found: MessageHeader?
    do {
      found = try MessageHeader(inbox, limit: Self.messageLimit, sender: Self.sender)
    } catch let violation as ProtocolViolation {
      throw GuestError.violation(violation)
    }
    guard let header = found, inbox.count >= header.messageSize else { return nil }
    let payload = UnsafeRawBufferPointer(rebasing: inbox.bytes[WireLimit.headerSize..<header.messageSize])
    let copy = [UInt8](copying: payload)
    inbox.consume(header.messageSize)
    return (header.code, copy)
  }

  private func handle(_ code: MessageCode, _ payload: [UInt8]) throws {
    do {
      switch code {
      case .ready:
        let ready = try payload.withUnsafeBytes { try ReadyReply($0) }
        // SHUTDOWN is acknowledged by a READY too.
        stream.state.update { $0.ready = ready }
      case .logRecords:
        let reply = try payload.withUnsafeBytes { try LogRecordsReply($0) }
        try stream.take(reply, size: payload.count)
      case .gone: note(try payload.withUnsafeBytes { try GoneReply($0) })
      case .done, .data, .error:
        stream.state.update { state in
          if state.repliesToDrop > 0 { state.repliesToDrop -= 1 } else { state.reply = (code, payload) }
        }
      default:
        throw violation(code, payload, "an unexpected")
      }
    } catch is MalformedPayload {
      throw violation(code, payload, "a malformed")
    }
  }

  private func violation(_ code: MessageCode, _ payload: [UInt8], _ what: String) -> GuestError {
    .violation(ProtocolViolation(sender: Self.sender, code: code, length: payload.count, what: what))
  }

  private func note(_ gone: GoneReply) {
    let end = ProcessEnd(
      target: gone.target,
      pid: gone.pid,
      status: ExitStatus(waitStatus: gone.waitStatus),
      endedWithProcess: gone.endedWithProcess
    )
    stream.state.update { $0.note(end) }
  }

  // MARK: The end

  /// The cause of a VM's end may be known later than the end of its sockets, most of all on a busy host.
  private static let causeTimeout = Duration.seconds(3)

  private func end(_ error: any Error) {
    var cause: (any Error)?
    if case TransportFailure.died(let death) = error { cause = death }
    if case TransportFailure.ended = error { cause = awaitCauseOfDeath() }
    let channels = stream.state.update { state -> [LinkChannel] in
      state.failure = error
      state.causeOfDeath = cause
      defer { state.channels = [:] }
      return Array(state.channels.values)
    }
    for channel in channels { channel.fail(cause.map { .died($0) } ?? .ended(nil)) }
  }

  private func awaitCauseOfDeath() -> (any Error)? {
    var polls = PolledSocket.polls(-1, 0, stream.alarm, stream.liveness)
    guard stream.liveness != nil else { return nil }
    do {
      _ = try PolledSocket.poll(&polls, stream.liveness, until: .after(Self.causeTimeout))
    } catch TransportFailure.died(let cause) {
      return cause
    } catch {}
    return nil
  }
}
