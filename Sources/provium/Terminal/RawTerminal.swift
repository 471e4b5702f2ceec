import Glibc
import ProviumAgentClient
import ProviumSystem
import Synchronization

/// The terminal of standard input in raw mode: every key, also Ctrl-C, is a byte of the input. Thread-safe.
final class RawTerminal: Sendable {
  private let saved: Mutex<termios?>
  private let descriptor: Int32

  /// Sets raw mode.
  init(_ descriptor: Int32) throws {
    var mode = termios()
    guard tcgetattr(descriptor, &mode) == 0 else { throw SystemError("read the mode of", "the terminal") }
    self.descriptor = descriptor
    saved = Mutex(mode)
    cfmakeraw(&mode)
    guard tcsetattr(descriptor, TCSADRAIN, &mode) == 0 else {
      throw SystemError("set the mode of", "the terminal")
    }
  }

  /// Sets the mode from before. Idempotent.
  func restore() {
    saved.withLock { saved in
      if var mode = saved { _ = tcsetattr(descriptor, TCSADRAIN, &mode) }
      saved = nil
    }
  }

  /// The size of the terminal; nil if it tells none. A serial line, for example, says 0 x 0.
  static func size(of descriptor: Int32) -> TerminalSize? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return nil }
    return try? TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
  }

  /// Calls `handle` whenever the terminal's size has changed. Blocks SIGWINCH in the threads that start from now on.
  static func onResize(_ handle: @escaping @Sendable () -> Void) throws {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGWINCH)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let waited = signals
    _ = try DedicatedThread(name: "resize", stackSize: 256 << 10) {
      while true {
        var number: Int32 = 0
        var set = waited
        if sigwait(&set, &number) == 0 { handle() }
      }
    }
  }
}
