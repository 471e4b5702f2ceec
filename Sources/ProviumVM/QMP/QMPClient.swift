internal import CLinux
import Glibc
import Logging
package import ProviumJSON
package import ProviumSystem
import Synchronization

/// Sends commands to one QEMU and receives its replies and events (QEMU Machine Protocol, docs/interop/qmp-spec.rst of
/// QEMU). Thread-safe, except that one thread alone calls `receive`.
package final class QMPClient: Sendable {
  private struct State {
    var replies: [QMPMessage] = []
    var events: [QMPEvent] = []
    var isGreeted = false
    /// Why no reply will come any more.
    var failure: (any Error)?
  }
  private let state = Monitor(State())
  private let socket: Descriptor
  private let log: Logger
  /// Held from a command to its reply.
  private let commandTurn = Monitor(())
  /// Received bytes of a line without its end.
  private let partial = Mutex<[UInt8]>([])

  /// A longer line breaks the protocol. It is dropped.
  private static let lineLimit = 1 << 20
  /// Events that are kept until a caller waits for them.
  private static let eventLimit = 1000
  private static let readSize = 32768

  /// Takes ownership of the connected socket.
  /// - Parameter log: gets every message.
  init(_ socket: consuming Descriptor, log: Logger = .silent) {
    self.socket = socket
    self.log = log
  }

  /// To wait for before `receive`.
  var descriptor: Int32 { socket.raw }

  // MARK: Commands

  /// Sends a command and blocks until its reply has come. One command runs at a time; other callers wait.
  /// - Parameter descriptor: is sent with the command, for `getfd`.
  /// - Throws: `QMPError`, or the error that `fail` was called with.
  @discardableResult
  package func command(
    _ name: String,
    _ arguments: KeyValuePairs<String, JSONValue> = [:],
    passing descriptor: Int32? = nil,
    until deadline: Deadline
  ) throws -> JSONValue {
    try command(
      name,
      members: arguments.map { JSONValue.Member($0, $1) },
      passing: descriptor,
      until: deadline
    )
  }

  /// The same with arguments that are a list.
  /// - Parameter meanwhile: runs between the command and the wait for its reply. Its error is thrown after the reply.
  @discardableResult
  package func command(
    _ name: String,
    members arguments: [JSONValue.Member],
    passing descriptor: Int32? = nil,
    until deadline: Deadline,
    meanwhile: () throws -> Void = {}
  ) throws -> JSONValue {
    let line = QMPCommand.line(name, members: arguments)
    return try commandTurn.update { _ in
      let isReady: Void? = try state.wait(until: deadline) { state in
        if let failure = state.failure { throw failure }
        return state.isGreeted ? () : nil
      }
      guard isReady != nil else { throw QMPError.timedOut(command: name) }
      try send(line, passing: descriptor, command: name)
      let other = Result(catching: meanwhile)
      let reply = try state.wait(until: deadline) { state -> QMPMessage? in
        if !state.replies.isEmpty { return state.replies.removeFirst() }
        if let failure = state.failure { throw failure }
        return nil
      }
      switch reply {
      case .reply(let value)?:
        try other.get()
        return value
      case .failure(let reason)?: throw QMPError.refused(command: name, reason: reason)
      default: throw QMPError.timedOut(command: name)
      }
    }
  }

  private func send(_ line: [UInt8], passing descriptor: Int32?, command: String) throws {
    log.debug("QMP > \(Self.text(line[...]))")
    if let descriptor {
      let result = line.withUnsafeBytes { line in
        withUnsafePointer(to: descriptor) { clinux_send_fds(socket.raw, line.baseAddress, line.count, $0, 1) }
      }
      guard result == 0 else { throw SystemError("send the QMP command", command, Errno(-result)) }
    } else {
      try Files.writeAll(line, to: socket.raw, path: "QMP")
    }
  }

  // MARK: Events

  /// Blocks until an event has come that `match` accepts, and takes it; nil when the deadline came first. Events that came
  /// before the call count.
  package func event(until deadline: Deadline, _ match: (QMPEvent) -> Bool) throws -> QMPEvent? {
    try state.wait(until: deadline) { state -> QMPEvent? in
      if let index = state.events.firstIndex(where: match) { return state.events.remove(at: index) }
      if let failure = state.failure { throw failure }
      return nil
    }
  }

  package func forgetEvents() { state.update { $0.events.removeAll() } }

  /// Makes every command and every wait for an event fail from now on. The first error stays.
  func fail(_ error: any Error) { state.update { if $0.failure == nil { $0.failure = error } } }

  /// Allows commands again after `fail`: QEMU still runs although its guest has died.
  func allowCommands() {
    state.update { state in
      state.failure = nil
      state.replies.removeAll()
    }
  }

  // MARK: Receiving

  /// Reads what has arrived, at most 32 KiB, without blocking.
  /// - Parameters:
  ///   - each: called with each event.
  ///   - waiting: the result when there are no bytes but the connection is open.
  /// - Returns: whether there can be more.
  func receive(waiting: Bool = true, each: (QMPEvent) -> Void) -> Bool {
    var messages: [QMPMessage] = []
    let isOpen = SocketRead.now(socket.raw, size: Self.readSize, waiting: waiting) { bytes in
      partial.withLock { partial in
        partial.append(contentsOf: bytes)
        while let end = partial.firstIndex(of: 0x0a) {
          log.debug("QMP < \(Self.text(partial[..<end]))")
          if let message = QMPMessage(line: partial[..<end]) { messages.append(message) }
          partial.removeSubrange(...end)
        }
        if partial.count > Self.lineLimit { partial.removeAll() }
      }
    }
    for message in messages { take(message, each) }
    return isOpen
  }

  /// A line for the log, without its line end.
  private static func text(_ line: ArraySlice<UInt8>) -> String {
    String(decoding: line, as: UTF8.self).trimmed
  }

  private func take(_ message: QMPMessage, _ each: (QMPEvent) -> Void) {
    switch message {
    case .greeting:
      // QEMU accepts other commands only after the reply to this one.
      try? send(QMPCommand.line("qmp_capabilities", members: []), passing: nil, command: "qmp_capabilities")
    case .reply, .failure:
      state.update { state in
        if state.isGreeted { state.replies.append(message) } else { state.isGreeted = true }
      }
    case .event(let event):
      state.update { state in
        if state.events.count < Self.eventLimit { state.events.append(event) }
      }
      each(event)
    }
  }
}
