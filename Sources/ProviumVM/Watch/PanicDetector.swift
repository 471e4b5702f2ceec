import ProviumSystem

/// Decides whether the guest's kernel has panicked. A pure value.
///
/// QEMU's panic notifier is certain, but a guest may have no driver for it. A line on the console is certain only while no
/// agent runs: later a program can write the same line. Then the agent is asked: a kernel that has panicked runs no agent.
struct PanicDetector {
  enum Verdict: Hashable {
    case none
    case suspected
    case confirmed
  }
  private(set) var verdict = Verdict.none
  /// When the agent has not answered until then, the kernel has panicked.
  private var deadline = Deadline.never

  /// The time that a guest under load may need for an answer.
  static let patience = Duration.seconds(5)

  /// The time at which the agent's answer must be looked for again.
  func nextLook(after pause: Duration) -> Deadline {
    verdict == .suspected ? .earliest(deadline, .after(pause)) : .never
  }

  /// Notes a line of the console that says that the kernel panics.
  /// - Returns: true if the agent must be asked now.
  mutating func noteLine(isAgentUp: Bool, patience: Duration = patience) -> Bool {
    guard verdict == .none else { return false }
    verdict = isAgentUp ? .suspected : .confirmed
    deadline = .after(patience)
    return isAgentUp
  }

  /// Notes QEMU's event `GUEST_PANICKED`, or that QEMU has exited: a suspicion is then true.
  mutating func noteEvent() { verdict = .confirmed }

  /// Notes whether the agent has answered a question that was asked after the line.
  mutating func look(hasAnswered: Bool) {
    guard verdict == .suspected else { return }
    if hasAnswered {
      verdict = .none
    } else if deadline.isExpired {
      verdict = .confirmed
    }
  }
}
