import Glibc

/// State that is protected by a lock, and waiting for its changes. For dedicated threads, which may block.
package final class Monitor<State>: @unchecked Sendable {
  // Sendable because `state` is only touched with `lock` held; the addresses are fixed for the object's life.
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  package init(_ initial: sending State) {
    state = initial
    lock = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // Deadlines are monotonic: a clock that is set must not end or prolong a wait.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(lock)
    changed.deallocate()
    lock.deallocate()
  }

  /// Runs `body` with the lock held, and wakes the threads in `wait`.
  package func update<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(lock)
    defer {
      pthread_cond_broadcast(changed)
      pthread_mutex_unlock(lock)
    }
    return try body(&state)
  }

  /// Runs `body` with the lock held, and wakes no thread.
  package func read<Result>(_ body: (borrowing State) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return try body(state)
  }

  /// Blocks until `body` returns a value; nil when the deadline came first. `body` runs now, after each
  /// update, and at the deadline. Its changes to the state are kept and wake no other thread.
  package func wait<Result>(until deadline: Deadline, _ body: (inout State) throws -> Result?) rethrows
    -> Result?
  {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while true {
      if let result = try body(&state) { return result }
      if deadline == .never {
        pthread_cond_wait(changed, lock)
      } else {
        if deadline.isExpired { return nil }
        var time = timespec(
          tv_sec: Int(deadline.nanoseconds / 1_000_000_000),
          tv_nsec: Int(deadline.nanoseconds % 1_000_000_000)
        )
        pthread_cond_timedwait(changed, lock, &time)
      }
    }
  }
}
