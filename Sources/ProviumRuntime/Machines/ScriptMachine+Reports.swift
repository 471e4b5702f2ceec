import ProviumEvents
import ProviumVM
import ProviumSystem

extension ScriptMachine {
  /// Kernel reports up to this moment that nobody has answered for.
  func takeReports(allowed: [String]) -> (reports: [KernelReport], lost: Int) {
    machine?.catchUpWithConsole()
    return splats.take(allowed: allowed)
  }

  /// Runs `body`, during which a report that `matches` must appear, and fails nothing.
  func expectSplat(_ matches: @escaping (KernelReport) -> Bool, during body: () throws -> Void) throws -> Bool
  {
    machine?.catchUpWithConsole()
    splats.expect(matches)
    defer {
      machine?.catchUpWithConsole()
      splats.endExpectation()
    }
    try body()
    // What `body` began in the guest may print its report, or the line that is meant, a little later.
    let deadline = Deadline.after(.seconds(2))
    while !splats.isMet() {
      guard !deadline.isExpired, !session.isInterrupted, !session.scriptDeadline.isExpired else {
        return false
      }
      session.sleep(.milliseconds(10))
    }
    return true
  }
}

extension MachineDeath {
  /// A panic is something that the test found; all else is a fault of what should carry the test.
  var failureKind: FailureKind {
    switch self {
    case .panicked: .kernelReport
    case .exited(_, _, let panic, _): panic == nil ? .infrastructure : .kernelReport
    case .ended, .refused, .agentLost: .infrastructure
    }
  }
}
