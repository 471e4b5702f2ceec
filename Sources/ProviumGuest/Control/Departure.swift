import ProviumSystem

/// The end of a process of the agent, as GONE told it.
struct Departure: Sendable, Hashable {
  let target: UInt32
  let pid: Int32
  let status: ExitStatus
  /// A guest that reports deaths without end is not given memory without end.
  static let kept = 128
}

extension ControlConnection {
  /// Raises `alarm` when that process is reported gone, or at once when it has been.
  func watch(target: UInt32, pid: Int32, _ alarm: EventDescriptor) {
    let isGone = state.update { state -> Bool in
      state.alarms.append((target, pid, alarm))
      return state.departures.contains { $0.target == target && $0.pid == pid }
    }
    if isGone { alarm.raise() }
  }

  func unwatch(_ alarm: EventDescriptor) {
    state.update { state in state.alarms.removeAll { $0.alarm === alarm } }
  }

  func departure(target: UInt32, pid: Int32) -> Departure? {
    state.read { state in state.departures.last { $0.target == target && $0.pid == pid } }
  }

  /// After a connection's end: why, as soon as it is known; nil when the deadline came first.
  func reasonOfLoss(target: UInt32, pid: Int32, until deadline: Deadline) -> LossReason? {
    let verdict = state.wait(until: deadline) { state -> LossReason? in
      if let cause = state.causeOfDeath { return .machine(cause) }
      if let gone = state.departures.last(where: { $0.target == target && $0.pid == pid }) {
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
