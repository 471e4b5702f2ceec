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
  /// When the agent is asked; nil: it has been.
  private var question: Deadline?
  /// When the agent has not answered until then, the kernel has panicked.
  private var deadline = Deadline.never

  /// A kernel that panics stops its other processors only after it has printed its trace: an agent that runs there may
  /// answer until then.
  static let pause = Duration.seconds(1)
  /// The time that a guest under load may need for an answer.
  static let patience = Duration.seconds(5)

  /// The time at which `mustAsk` or `look` can change something.
  func nextLook(after interval: Duration) -> Deadline {
    guard verdict == .suspected else { return .never }
    return question ?? .earliest(deadline, .after(interval))
  }

  /// Notes a line of the console that says that the kernel panics.
  mutating func noteLine(isAgentUp: Bool, pause: Duration = pause, patience: Duration = patience) {
    guard verdict == .none else { return }
    verdict = isAgentUp ? .suspected : .confirmed
    question = .after(pause)
    deadline = .after(pause + patience)
  }

  /// Whether the agent must be asked now. True once for each suspicion.
  mutating func mustAsk() -> Bool {
    guard verdict == .suspected, question?.isExpired == true else { return false }
    question = nil
    return true
  }

  /// Notes QEMU's event `GUEST_PANICKED`.
  mutating func noteEvent() { verdict = .confirmed }

  /// Notes whether the agent has answered the question.
  mutating func look(hasAnswered: Bool) {
    guard verdict == .suspected, question == nil else { return }
    if hasAnswered {
      verdict = .none
    } else if deadline.isExpired {
      verdict = .confirmed
    }
  }
}
