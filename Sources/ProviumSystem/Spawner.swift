internal import CLinux
import Glibc
import Synchronization

/// The one thread that forks. `PR_SET_PDEATHSIG` follows the *thread* that forked: a child started by a test's
/// own thread would be killed when that test ends. This thread lives as long as the process does.
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

/// A value that one thread makes and another waits for.
package final class Handover<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let semaphore: Semaphore = Semaphore()

  package init() {}

  /// Once only.
  package func fulfil(_ value: Value) {
    self.value.withLock { $0 = value }
    semaphore.signal()
  }

  /// Blocks until the value is there. Once only.
  package func wait() -> Value {
    while true {
      semaphore.wait()
      if let value = value.withLock({ $0 }) { return value }
    }
  }
}

/// A POSIX semaphore at a fixed address.
final class Semaphore: Sendable {
  // The address is fixed for the object's life and sem_* are thread-safe.
  private nonisolated(unsafe) let handle: UnsafeMutablePointer<sem_t>

  init() {
    handle = .allocate(capacity: 1)
    sem_init(handle, 0, 0)
  }
  deinit {
    sem_destroy(handle)
    handle.deallocate()
  }
  func signal() { sem_post(handle) }
  func wait() { while sem_wait(handle) != 0 {} }
}
