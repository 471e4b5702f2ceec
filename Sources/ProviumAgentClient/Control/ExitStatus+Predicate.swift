internal import CProviumWire
import ProviumSystem

extension ExitStatus {
  /// The status as a predicate, to follow "worker 3": `was killed by SIGSEGV`, `ended with exit code 1`.
  var asPredicate: String {
    switch self {
    case .exited(let code): "ended with exit code \(code)"
    // The agent itself survives an INTERRUPT's signal, so its process must have been replaced.
    case .signaled(Signal(rawValue: PV_INTERRUPT_SIGNAL)):
      "is gone: its process was no longer the agent's (execve, or its signal handlers were reset)"
    case .signaled: "was \(self)"
    }
  }
}
