internal import CProviumWire
import Glibc
import ProviumSystem

/// The thread that reads the control connection: connects, takes in what comes, and tells whom it concerns.
struct ControlReader {
  private let connection: ControlConnection
  private let inbox = ByteQueue(capacity: 64 << 10)
  private let raw = ByteQueue(capacity: 256 << 10)
  /// Control's own messages are small; a guest that sends larger ones is at odds with the protocol.
  private static let messageLimit = 1 << 20

  init(_ connection: ControlConnection) { self.connection = connection }

  func run(until deadline: Deadline) {
    do {
      try serve(try connect(until: deadline))
    } catch {
      end(error)
    }
  }

  private func connect(until deadline: Deadline) throws -> PolledSocket {
    let dialler = Dialler(peer: .control, alarm: connection.alarm, vitals: connection.vitals)
    let endpoint = connection.endpoint
    while true {
      let socket = try dialler.dial(endpoint, until: deadline)
      if endpoint.isLink {
        try LinkHandshake.perform(socket, raw: raw, until: deadline)
        connection.state.update { $0.socket = socket }
        return socket
      }
      // A connection that a guest's driver resets while it starts is tried again.
      do {
        guard try socket.read(into: inbox, wanting: 4096, until: deadline) else {
          throw TransportFailure.deadline
        }
        connection.state.update { $0.socket = socket }
        return socket
      } catch TransportFailure.ended where endpoint.canRedial {
        inbox.clear()
        try dialler.wait(milliseconds: 5, until: deadline)
      }
    }
  }

  private func serve(_ socket: PolledSocket) throws {
    var parser = LinkParser()
    while true {
      if connection.endpoint.isLink {
        while let frame = try parser.next(in: raw) { take(frame) }
      }
      while let message = try nextMessage() { try handle(message.code, message.payload) }
      let target = connection.endpoint.isLink ? raw : inbox
      _ = try socket.read(into: target, wanting: 128 << 10, until: .never)
    }
  }

  private func take(_ frame: LinkFrame) {
    if frame.channel == 0 {
      if frame.type == .data { inbox.append(frame.payload) }
      return
    }
    guard let channel = connection.state.read({ $0.channels[frame.channel] }) else { return }
    switch frame.type {
    case .data: channel.deliver(frame.payload)
    case .close: channel.fail(.ended(nil))
    case .hello, .helloAcknowledged, .open: return
    }
  }

  // MARK: messages

  private func nextMessage() throws -> (code: MessageCode, payload: [UInt8])? {
    guard
      let header = try MessageHeader(inbox, limit: Self.messageLimit, sender: "the agent's control process"),
      inbox.count >= header.messageSize
    else { return nil }
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
        connection.state.update { $0.ready = ready }
      case .logRecords:
        let reply = try payload.withUnsafeBytes { try LogRecordsReply($0) }
        try connection.take(reply, size: payload.count)
      case .gone: tell(try payload.withUnsafeBytes { try GoneReply($0) })
      case .done, .data, .error:
        connection.state.update { state in
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
    .violation(
      ProtocolViolation(sender: "the agent's control process", code: code, length: payload.count, what: what)
    )
  }

  private func tell(_ gone: GoneReply) {
    let departure = Departure(
      target: gone.target,
      pid: gone.pid,
      status: ExitStatus(waitStatus: gone.waitStatus),
      endedWithProcess: gone.endedWithProcess
    )
    connection.state.update { $0.note(departure) }
  }

  // MARK: the end

  /// A machine's last words may come a little after its sockets have ended.
  private static let lastWords = Duration.seconds(1)

  private func end(_ error: any Error) {
    var cause: (any Error)?
    if case TransportFailure.died(let death) = error { cause = death }
    if case TransportFailure.ended = error { cause = awaitCauseOfDeath() }
    let channels = connection.state.update { state -> [LinkChannel] in
      state.failure = error
      state.causeOfDeath = cause
      defer { state.channels = [:] }
      return Array(state.channels.values)
    }
    for channel in channels { channel.fail(cause.map { .died($0) } ?? .ended(nil)) }
  }

  private func awaitCauseOfDeath() -> (any Error)? {
    var polls = PolledSocket.polls(-1, 0, connection.alarm, connection.vitals)
    guard connection.vitals != nil else { return nil }
    do {
      _ = try PolledSocket.poll(&polls, connection.vitals, until: .after(Self.lastWords))
    } catch TransportFailure.died(let cause) {
      return cause
    } catch {}
    return nil
  }
}

/// `type u8 | length u32` at the front of a queue.
struct MessageHeader {
  let code: MessageCode
  let length: Int

  /// Bytes of header and payload.
  var messageSize: Int { WireLimit.headerSize + length }

  /// nil while it has not come; throws when it promises more than `limit`.
  init?(_ inbox: ByteQueue, limit: Int, sender: String) throws {
    let bytes = inbox.bytes
    guard bytes.count >= WireLimit.headerSize else { return nil }
    code = MessageCode(rawValue: bytes[0])
    length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
    guard length <= limit else {
      throw GuestError.violation(
        ProtocolViolation(sender: sender, code: code, length: length, what: "an oversized")
      )
    }
  }
}

extension GuestEndpoint {
  /// Whether a connection that was cut can be made again.
  var canRedial: Bool {
    switch self {
    case .vsock, .sockets: true
    case .serial, .streams: false
    }
  }
}
