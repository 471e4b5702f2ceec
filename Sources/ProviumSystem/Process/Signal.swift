internal import CLinux

/// A signal of Linux (signal(7)). The numbers are the same on every architecture that Provium runs.
public struct Signal: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The number: 9 for SIGKILL.
  public let rawValue: Int32

  /// Creates a signal from its number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// SIGHUP.
  public static let hangUp = Signal(rawValue: 1)
  /// SIGINT, as Ctrl-C sends it.
  public static let interrupt = Signal(rawValue: 2)
  /// SIGQUIT.
  public static let quit = Signal(rawValue: 3)
  /// SIGABRT.
  public static let abort = Signal(rawValue: 6)
  /// SIGKILL, which a process cannot catch.
  public static let kill = Signal(rawValue: 9)
  /// SIGUSR1.
  public static let user1 = Signal(rawValue: 10)
  /// SIGSEGV, of a wrong memory access.
  public static let segmentationFault = Signal(rawValue: 11)
  /// SIGUSR2.
  public static let user2 = Signal(rawValue: 12)
  /// SIGTERM.
  public static let terminate = Signal(rawValue: 15)
  /// SIGCONT.
  public static let `continue` = Signal(rawValue: 18)
  /// SIGSTOP, which a process cannot catch.
  public static let stop = Signal(rawValue: 19)

  /// The name: `SIGKILL`; `signal 40` for a number without a name.
  public var description: String {
    clinux_signal_name(rawValue).map { "SIG" + String(cString: $0) } ?? "signal \(rawValue)"
  }
}
