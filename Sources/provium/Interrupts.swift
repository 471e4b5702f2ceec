import Glibc
import ProviumRuntime
import ProviumSystem
import Synchronization

/// Ctrl-C and SIGTERM: the first stops starting files and ends what runs in order, the second ends everything at once.
final class Interrupts: Sendable {
  /// The first signal; 0: none has come.
  private let first = Atomic<Int32>(0)

  /// Blocks the signals in all threads that start from now on, and waits for them in one of its own.
  init(_ interruption: Interruption) throws {
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
        guard first.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged else {
          // QEMU dies with us (parent-death signal), the run directory by its reaper.
          _exit(128 + number)
        }
        Console.error("\nprovium: interrupted; ending what runs (again: at once)")
        interruption.stopStarting("interrupted")
        interruption.endEverything("interrupted")
      }
    }
  }

  /// As a shell has it: 130 after Ctrl-C, 143 after SIGTERM; nil when no signal came.
  var exitCode: Int32? {
    let number = first.load(ordering: .relaxed)
    return number == 0 ? nil : 128 + number
  }
}
