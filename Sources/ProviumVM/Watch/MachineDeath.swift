package import ProviumSystem

/// The reason why a VM has ended.
package enum MachineDeath: Error, Sendable, CustomStringConvertible {
  /// Provium ended it.
  case ended
  /// The guest's kernel panicked. `line` is its own line about that.
  case panicked(report: KernelReport.ID, line: String, tail: [String])
  /// Provium's wrapper in the guest, process 1 until the guest's init takes over, gave up.
  case refused(reason: String)
  /// The agent, or its control process, has closed its port.
  case agentLost(AgentPort, tail: [String])
  /// QEMU exited.
  /// - Parameter shortage: the host's kernel killed it for lack of memory, as far as that can be known.
  case exited(status: ExitStatus?, errors: [String], shortage: MemoryShortage?, tail: [String])

  package var description: String {
    switch self {
    case .ended: return "the machine was ended"
    case .refused(let reason): return "the guest cannot be started: \(reason)"
    case .panicked(_, let line, _): return "the guest's kernel panicked: \(line)"
    case .agentLost(let port, _):
      return "\(port.owner) is gone: its port was closed (was it killed, or were its descriptors closed?)"
    case .exited(let status, let errors, let shortage, _):
      if let shortage { return "QEMU was killed: \(shortage)" }
      let said = errors.isEmpty ? "" : ": \(errors.joined(separator: "; "))"
      if status == .exited(0), errors.isEmpty { return "the guest powered itself off, or rebooted" }
      return "QEMU ended (\(status.map { "\($0)" } ?? "no status"))\(said)"
    }
  }
}
