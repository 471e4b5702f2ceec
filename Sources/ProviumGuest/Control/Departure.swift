import ProviumSystem

/// The end of a process of the agent, as GONE told it.
struct Departure: Sendable, Hashable {
  let target: UInt32
  let pid: Int32
  let status: ExitStatus
  /// A guest that reports deaths without end is not given memory without end.
  static let kept = 128

  /// A worker's number is used again, so its pid counts too; there is one main agent, and it is not started again.
  func isOf(_ target: UInt32, _ pid: Int32) -> Bool {
    self.target == target && (target == 0 || self.pid == pid)
  }
}

extension ControlConnection {
  /// Raises `alarm` when that process is reported gone, or at once when it has been.
  func watch(target: UInt32, pid: Int32, _ alarm: EventDescriptor) {
    let isGone = state.update { state -> Bool in
      let isGone = state.departures.contains { $0.isOf(target, pid) }
      if !isGone { state.alarms.append((target, pid, alarm)) }
      return isGone
    }
    if isGone { alarm.raise() }
  }

  func departure(target: UInt32, pid: Int32) -> Departure? {
    state.read { state in state.departures.last { $0.isOf(target, pid) } }
  }

  /// After a connection's end: why, as soon as it is known; nil when the deadline came first.
  func reasonOfLoss(target: UInt32, pid: Int32, until deadline: Deadline) -> LossReason? {
    let verdict = state.wait(until: deadline) { state -> LossReason? in
      if let cause = state.causeOfDeath { return .machine(cause) }
      if let gone = state.departures.last(where: { $0.isOf(target, pid) }) {
        return .process(gone)
      }
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
