package import ProviumArchitecture
package import ProviumSystem
import Synchronization

/// The operations of one connection: the main agent's or a worker's. Each runs on one and the same guest thread.
///
/// Operations block and belong to one thread at a time; a second one is refused, not made to wait. `interrupt` and
/// `operations` are anybody's. The `deadline` of an operation is the host's patience: it must leave room for
/// whatever the operation itself waits for (a command's timeout, a job).
package final class GuestSession: @unchecked Sendable {
  // Sendable because `connection` is only touched by whoever has set `isInUse`.
  let connection: GuestConnection
  let control: ControlConnection?
  private let isInUse = Atomic(false)
  /// What is asked goes here, together with what the machine's other sessions are asked.
  package let operations: OperationLog

  /// For messages: "the agent", "worker 3 (pid 57)".
  package let name: String
  /// Its process in the guest: of a worker made from a thread, the thread's id.
  package let pid: Int32
  package let architecture: Architecture

  init(
    _ connection: GuestConnection,
    control: ControlConnection?,
    architecture: Architecture,
    operations: OperationLog
  ) {
    self.connection = connection
    self.control = control
    self.architecture = architecture
    self.operations = operations
    name = connection.name
    pid = connection.pid
  }

  /// Makes the operation that is under way end early: a system call returns `-EINTR`, a command is killed if
  /// `command` is set. Nothing happens when none is. Any thread.
  package func interrupt(command: Bool = true, until deadline: Deadline) throws {
    guard let control else { return }
    let message = try Request.interrupt(target: connection.peer.target, command: command, request: 0)
    do {
      try control.send(message, until: deadline)
    } catch TransportFailure.deadline {
      throw GuestError.timedOut("interrupt: the agent's control process does not take the request")
    } catch is TransportFailure {
      throw GuestError.lost(.control, "interrupt: the agent's control process is gone")
    }
  }

  /// Whether the next operation has a chance: false once the connection has failed.
  package var isUsable: Bool { (try? exclusively { connection.isUsable }) ?? true }

  // MARK: for the operations

  /// Runs one operation: alone on the connection, and recorded unless it is refused before anything is sent. `body` gives
  /// its outcome for the record.
  func perform<Result>(
    _ name: String,
    _ arguments: [OperationRecord.Argument],
    _ body: (GuestConnection) throws -> (Result, OperationRecord.Outcome)
  ) throws -> Result {
    try exclusively {
      let begin = Deadline.now
      let number = operations.begin(OperationRecord(name, arguments, actor: actor))
      func finish(_ outcome: OperationRecord.Outcome) {
        let duration = Duration.nanoseconds(Int64(clamping: Deadline.now - begin))
        operations.finish(number, outcome, duration)
      }
      do {
        let (result, outcome) = try body(connection)
        finish(outcome)
        return result
      } catch let error as InvalidArgument {
        operations.withdraw(number)
        throw error
      } catch {
        finish(.word(Self.shortText(error)))
        throw error
      }
    }
  }

  /// How the record names it: the main agent needs no name.
  private var actor: String? {
    if case .worker(let number) = connection.peer { "worker \(number)" } else { nil }
  }

  func exclusively<Result>(_ body: () throws -> Result) throws -> Result {
    guard isInUse.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
      throw GuestError.inUse("\(name) is in the middle of an operation of another thread")
    }
    defer { isInUse.store(false, ordering: .releasing) }
    return try body()
  }

  private static func shortText(_ error: any Error) -> String {
    switch error {
    case GuestError.refused(let errno, _): errno.name
    case GuestError.timedOut: "timed out"
    case GuestError.unresponsive: "unresponsive"
    case GuestError.lost: "lost"
    default: "failed"
    }
  }
}

extension GuestConnection {
  /// A request that one message answers.
  func ask<Reply>(
    _ message: EncodedMessage,
    tail: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    _ code: MessageCode,
    what: String,
    until deadline: Deadline,
    _ decode: (UnsafeRawBufferPointer) throws -> Reply
  ) throws -> Reply {
    var result: Reply?
    try request(message, tail: tail, what: what, until: deadline) { came, payload in
      guard came == code else { throw UnexpectedReply() }
      result = try decode(payload)
      return .done
    }
    guard let result else { throw UnexpectedReply() }
    return result
  }

  /// A request answered by pieces of data and DONE.
  func stream(
    _ message: EncodedMessage,
    what: String,
    until deadline: Deadline,
    _ piece: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try request(message, what: what, until: deadline) { code, payload in
      switch code {
      case .data:
        try piece(payload)
        return .more
      case .done:
        _ = try DoneReply(payload)
        return .done
      default: throw UnexpectedReply()
      }
    }
  }
}

/// Output that is collected up to a limit.
struct BoundedOutput {
  let limit: Int
  let what: String
  private let streams = (ByteQueue(), ByteQueue())

  init(limit: Int, what: String) {
    self.limit = limit
    self.what = what
  }

  func append(_ bytes: UnsafeRawBufferPointer, toError: Bool = false) throws {
    guard streams.0.count + streams.1.count + bytes.count <= limit else {
      throw GuestError.tooLarge("\(what) gives more than the \(limit) bytes that are accepted")
    }
    (toError ? streams.1 : streams.0).append(bytes)
  }

  var stdout: [UInt8] { streams.0.contents }
  var stderr: [UInt8] { streams.1.contents }
}
