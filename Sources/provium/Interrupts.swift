import Glibc
import ProviumRuntime
import ProviumSystem
import Synchronization

/// Ctrl-C, SIGTERM and SIGHUP, taken by a thread of their own.
struct Interrupts {
  /// Blocks the signals in all threads that start from now on, and hands on each that comes.
  init(_ handle: @escaping @Sendable (Int32) -> Void) throws {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let waited = signals
    _ = try DedicatedThread(name: "signals", stackSize: 256 << 10) {
      while true {
        var number: Int32 = 0
        var set = waited
        guard sigwait(&set, &number) == 0 else { continue }
        handle(number)
      }
    }
  }

  /// The first stops starting files and ends what runs in order, the second ends everything at once.
  init(_ interruption: Interruption) throws {
    let state = State()
    try self.init { number in
      guard state.count.add(1, ordering: .relaxed).newValue == 1 else {
        // QEMU dies with us (parent-death signal), the run directory by its reaper.
        _exit(128 + number)
      }
      Console.error("\nprovium: interrupted; ending what runs (again: at once)")
      interruption.stopStarting("interrupted")
      interruption.endEverything("interrupted")
    }
  }

  private final class State: Sendable { let count = Atomic<Int>(0) }
}
