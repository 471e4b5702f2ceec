import ProviumSystem

extension ControlConnection {
  /// Drops the reported ends of earlier workers. Call it before a worker is started.
  func forgetEarlierWorkers() { state.update { state in state.unclaimed.removeAll { $0.target != 0 } } }

  /// Follows a process that has just been started, or that is known to run.
  func follow(target: UInt32, pid: Int32) throws -> FollowedProcess {
    let process = try FollowedProcess(target: target, pid: pid)
    state.update { state in
      if let index = state.unclaimed.firstIndex(where: { process.isEnded(by: $0) }) {
        process.take(state.unclaimed.remove(at: index))
      } else {
        state.followed.append(process)
      }
    }
    return process
  }

  /// Returns why a connection has ended. Blocks until that is known; nil when the deadline came first.
  func causeOfLoss(of process: FollowedProcess?, until deadline: Deadline) -> LossCause? {
    let cause = state.wait(until: deadline) { state -> LossCause? in
      if let cause = state.causeOfDeath { return .vm(cause) }
      if let end = process?.end { return .process(end) }
      // No more reports will come.
      return state.failure != nil ? .unknown : nil
    }
    if case .unknown? = cause { return nil }
    return cause
  }
}
