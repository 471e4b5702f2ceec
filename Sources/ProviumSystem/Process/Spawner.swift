internal import CLinux
import Glibc
import Synchronization

/// The one thread that forks. The parent-death signal (`PR_SET_PDEATHSIG`) follows the *thread* that forked:
/// a child which a test's own thread started would be killed when that test ends. This thread lives as long
/// as the process.
final class Spawner: Sendable {
  static let shared = Spawner()

  private struct Queue {
    var jobs: [@Sendable () -> Void] = []
    var started = false
  }
  private let queue = Mutex(Queue())
  private let wake = Semaphore()

  private init() {}

  /// Runs `job` on the spawner's thread and waits for its result.
  func run<Result: Sendable>(_ job: @escaping @Sendable () -> Result) throws -> Result {
    let done = Handover<Result>()
    let mustStart = queue.withLock { queue -> Bool in
      queue.jobs.append { done.fulfil(job()) }
      defer { queue.started = true }
      return !queue.started
    }
    if mustStart { _ = try DedicatedThread(name: "spawner", stackSize: 1 << 20) { self.loop() } }
    wake.signal()
    return done.wait()
  }

  private func loop() {
    while true {
      wake.wait()
      while let job = queue.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) { job() }
    }
  }
}
