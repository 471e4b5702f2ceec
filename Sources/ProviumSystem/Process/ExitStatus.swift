/// How a process ended.
public enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
  /// The process exited by itself, with an exit code of 0 to 255.
  case exited(Int32)
  /// A signal killed the process.
  case signaled(Signal)

  /// - Parameter status: the wait status of `waitpid(2)`.
  package init(waitStatus status: Int32) {
    let signal = status & 0x7f
    self = signal == 0 ? .exited((status >> 8) & 0xff) : .signaled(Signal(rawValue: signal))
  }

  /// Whether the process exited with code 0.
  public var isSuccess: Bool { self == .exited(0) }

  /// The exit code as a shell reports it: 128 + n after signal n.
  public var shellCode: Int32 {
    switch self {
    case .exited(let code): code
    case .signaled(let signal): 128 + signal.rawValue
    }
  }

  /// The status in words: `exit code 1`, `killed by SIGKILL`.
  public var description: String {
    switch self {
    case .exited(let code): "exit code \(code)"
    case .signaled(let signal): "killed by \(signal)"
    }
  }
}
