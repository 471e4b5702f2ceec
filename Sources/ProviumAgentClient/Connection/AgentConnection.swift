package import ProviumArchitecture
package import ProviumSystem
import Synchronization

/// A connection to the main agent or to a worker. The operations on it are extensions of this type. All of
/// them run on the same thread of the guest.
///
/// Operations block. Only one runs at a time: a second one is refused and does not wait. `interrupt` and
/// `operations` are thread-safe. The deadline of an operation must be later than the end of what the
/// operation itself waits for, such as a command with a timeout.
package final class AgentConnection: @unchecked Sendable {
  // Sendable because only the thread that has set `isInUse` uses `exchange`.
  let exchange: MessageExchange
  let control: ControlConnection?
  private let isInUse = Atomic(false)
  /// The trace of the VM, to which all its connections write.
  package let operations: OperationLog

  /// For messages: "the agent", "worker 3 (pid 57)".
  package let name: String
  /// The pid in the guest. Of a worker that is a thread, the id of the thread.
  package let pid: Int32
  package let architecture: Architecture

  init(
    _ exchange: MessageExchange,
    control: ControlConnection?,
    architecture: Architecture,
    operations: OperationLog
  ) {
    self.exchange = exchange
    self.control = control
    self.architecture = architecture
    self.operations = operations
    name = exchange.name
    pid = exchange.pid
  }

  /// Makes the current operation end early: a system call returns `-EINTR`. Does nothing when no operation
  /// runs. Thread-safe.
  /// - Parameter command: also kills the command that an exec runs.
  /// - Parameter request: the number of the request that is meant, which may not have been sent yet (`nextRequest`); 0: the
  ///   present one.
  package func interrupt(command: Bool = true, request: UInt32 = 0, until deadline: Deadline) throws {
    guard let control else { return }
    let message = try Request.interrupt(target: exchange.peer.target, command: command, request: request)
    do {
      try control.stream.send(message, until: deadline)
    } catch TransportFailure.deadline {
      throw GuestError.timedOut("interrupt: the agent's control process does not take the request")
    } catch is TransportFailure {
      throw GuestError.lost(.control, "interrupt: the agent's control process is gone")
    }
  }

  /// The number that the next request of this connection will have. Only the thread that makes the requests may ask.
  package var nextRequest: UInt32 { exchange.nextRequest }

  /// False when the connection has failed, so that no further operation can succeed.
  package var isUsable: Bool { (try? exclusively { exchange.isUsable }) ?? true }

  // MARK: For the operations

  /// Runs one operation: alone on the connection, and with a record in the trace unless it is refused before
  /// anything is sent.
  /// - Parameter body: returns the result and the outcome for the record.
  func perform<Result>(
    _ name: String,
    _ arguments: [OperationRecord.Argument],
    _ body: (MessageExchange) throws -> (Result, OperationRecord.Outcome)
  ) throws -> Result {
    try exclusively {
      let begin = Deadline.now
      let number = operations.begin(OperationRecord(name, arguments, actor: actor))
      func finish(_ outcome: OperationRecord.Outcome) {
        operations.finish(number, outcome, Deadline.elapsed(since: begin))
      }
      do {
        let (result, outcome) = try body(exchange)
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

  /// The name in the record; nil for the main agent.
  private var actor: String? {
    if case .worker(let number) = exchange.peer { "worker \(number)" } else { nil }
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

extension AgentConnection {
  /// Sends a request that DONE answers. Blocks.
  func done(_ message: EncodedMessage, _ what: String, _ exchange: MessageExchange, until deadline: Deadline)
    throws
  {
    _ = try exchange.ask(message, .done, what: what, until: deadline) { try DoneReply($0) }
  }
}
