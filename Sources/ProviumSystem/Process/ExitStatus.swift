internal import CLinux

/// How a process ended.
package enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
  case exited(Int32)
  case signaled(Int32)

  /// - Parameter status: as `waitpid(2)` gives it.
  package init(waitStatus status: Int32) {
    let signal = status & 0x7f
    self = signal == 0 ? .exited((status >> 8) & 0xff) : .signaled(signal)
  }

  package var isSuccess: Bool { self == .exited(0) }

  package var description: String {
    switch self {
    case .exited(let code): "exit code \(code)"
    case .signaled(let signal):
      "killed by \(clinux_signal_name(signal).map { "SIG" + String(cString: $0) } ?? "signal \(signal)")"
    }
  }
}
