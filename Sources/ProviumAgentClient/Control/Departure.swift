import ProviumSystem
import Synchronization

/// The end of a process of the agent, as GONE told it.
struct Departure: Sendable, Hashable {
  let target: UInt32
  let pid: Int32
  let status: ExitStatus
  /// The worker was a thread, and ended because its process, the agent, did.
  var endedWithProcess = false
  /// A guest that reports deaths without end is not given memory without end.
  static let kept = 128

  /// Follows "worker 3": `was killed by SIGSEGV`, and for a thread that ended with the agent also why.
  var asPredicate: String {
    guard endedWithProcess else { return status.asPredicate }
    return "\(status.asPredicate), and the agent with it: a thread worker is a thread of the agent's process"
  }
}

/// One process of the agent, for whoever holds a connection to it: alive until its own GONE has come. A number or a pid
/// that is used again is another life.
final class ProcessLife: Sendable {
  let target: UInt32
  let pid: Int32
  /// Raised at its end.
  let alarm: EventDescriptor
  private let end = Mutex<Departure?>(nil)

  fileprivate init(target: UInt32, pid: Int32) throws {
    self.target = target
    self.pid = pid
    alarm = try EventDescriptor()
  }

  /// How it ended; nil while it lives, as far as is known.
  var departure: Departure? { end.withLock { $0 } }

  /// There is one main agent, whose pid is learnt later, and it is not started again; of workers the pid counts too.
  fileprivate func isEnded(by departure: Departure) -> Bool {
    departure.target == target && (target == 0 || departure.pid == pid)
  }

  fileprivate func take(_ departure: Departure) {
    end.withLock { $0 = departure }
    alarm.raise()
  }
}

extension ControlConnection.State {
  /// Gives the news to the oldest life that it can be about: control reports a worker's end before its number is free.
  mutating func note(_ departure: Departure) {
    if let index = lives.firstIndex(where: { $0.isEnded(by: departure) }) {
      lives.remove(at: index).take(departure)
      return
    }
    // Of a process that nobody follows yet: its start is told on another connection.
    if unclaimed.count >= Departure.kept { unclaimed.removeFirst() }
    unclaimed.append(departure)
  }
}

extension ControlConnection {
  /// Before a worker is asked for: what has been told of ends so far is not about it.
  func forgetEarlierWorkers() { state.update { state in state.unclaimed.removeAll { $0.target != 0 } } }

  /// Follows a process that has just been started, or is known to run.
  func follow(target: UInt32, pid: Int32) throws -> ProcessLife {
    let life = try ProcessLife(target: target, pid: pid)
    state.update { state in
      if let index = state.unclaimed.firstIndex(where: { life.isEnded(by: $0) }) {
        life.take(state.unclaimed.remove(at: index))
      } else {
        state.lives.append(life)
      }
    }
    return life
  }

  /// After a connection's end: why, as soon as it is known; nil when the deadline came first.
  func reasonOfLoss(of life: ProcessLife?, until deadline: Deadline) -> LossReason? {
    let verdict = state.wait(until: deadline) { state -> LossReason? in
      if let cause = state.causeOfDeath { return .machine(cause) }
      if let departure = life?.departure { return .process(departure) }
      // Nobody is left who could tell.
      return state.failure != nil ? .unknown : nil
    }
    if case .unknown? = verdict { return nil }
    return verdict
  }
}

/// What ended a connection.
enum LossReason {
  case machine(any Error)
  case process(Departure)
  case unknown
}
