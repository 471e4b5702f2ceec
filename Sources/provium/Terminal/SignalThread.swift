import Glibc
import ProviumRunner
import ProviumSystem
import Synchronization

/// Receives SIGINT, SIGTERM and SIGHUP on a thread of its own.
final class SignalThread: Sendable {
  /// The first signal; 0 if none has arrived.
  private let first = Atomic<Int32>(0)

  /// Blocks the signals in all threads that start from now on, and calls `handle` for each that arrives.
  init(_ handle: @escaping @Sendable (_ number: Int32, _ isFirst: Bool) -> Void) throws {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let waited = signals
    _ = try DedicatedThread(name: "signals", stackSize: 256 << 10) { [self] in
      while true {
        var number: Int32 = 0
        var set = waited
        guard sigwait(&set, &number) == 0 else { continue }
        let isFirst = first.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged
        handle(number, isFirst)
      }
    }
  }

  /// After the first signal, ends all VMs and then the run, and the process at once after the second.
  convenience init(_ interruption: Interruption) throws {
    try self.init { number, isFirst in
      guard isFirst else {
        // QEMU ends with this process (parent-death signal); the reaper removes the run directory.
        _exit(ExitStatusCode.signal(number))
      }
      Console.error("\nprovium: interrupted; ending all VMs (interrupt again to exit at once)")
      interruption.endEverything("interrupted")
    }
  }

  /// The exit code after a signal; nil if none has arrived.
  var exitCode: Int32? {
    let number = first.load(ordering: .relaxed)
    return number == 0 ? nil : ExitStatusCode.signal(number)
  }
}
