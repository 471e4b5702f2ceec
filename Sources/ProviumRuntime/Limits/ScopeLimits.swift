package import ProviumSystem
import Synchronization

/// The time limits in force in one scope, outermost first. Belongs to the scope's thread.
package final class ScopeLimits {
  private var limits: [TimeLimit] = [] { didSet { watch.set(limits) } }
  /// The calls of `suspended` that run: several where functions of a scope run side by side.
  private var suspensions = 0
  private var isSuspended: Bool { suspensions > 0 }
  private var suspendedSince: UInt64 = 0
  /// Ends what waits for a guest, without being a limit: of functions that run side by side when one of them fails.
  var end = Deadline.never
  private let watch: LimitWatch
  /// Measures the scope's VMs, for limits of the whole scope.
  package let sample: @Sendable () -> ExecutionSample
  /// Receives the deadline whenever it becomes another one for a reason other than a new limit.
  package var onChange: (Deadline) -> Void = { _ in }

  init(_ watch: LimitWatch, sample: @escaping @Sendable () -> ExecutionSample) {
    self.watch = watch
    self.sample = sample
  }

  /// The earliest deadline in force.
  package var deadline: Deadline {
    isSuspended ? end : limits.reduce(end) { .earliest($0, $1.deadline) }
  }

  /// The limit that was reached first; nil if none was reached, and while the limits are suspended.
  package var reached: TimeLimit? {
    isSuspended
      ? nil : limits.filter(\.deadline.isExpired).min { $0.deadline.nanoseconds < $1.deadline.nanoseconds }
  }

  /// Adds a limit until `pop`.
  package func push(_ limit: TimeLimit) { limits.append(limit) }

  /// Removes the limit that was added last.
  package func pop() {
    limits.removeLast()
    // The limits around the one that ended may have moved since it began.
    onChange(deadline)
  }

  /// Runs `body`, whose time does not count against the limits: the scope waits for resources that others hold, or for a
  /// fixture that is built for all files.
  package func suspended<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard !limits.isEmpty else { return try body() }
    suspensions += 1
    if suspensions == 1 {
      suspendedSince = Deadline.now
      watch.set([])
    }
    // Each of the functions that run side by side has a deadline of its own.
    let areSeveral = end != .never
    if suspensions == 1 || areSeveral { onChange(deadline) }
    defer {
      suspensions -= 1
      if suspensions == 0 {
        let spent = Deadline.now - suspendedSince
        for limit in limits { limit.exclude(spent) }
        watch.set(limits)
      }
      if suspensions == 0 || areSeveral { onChange(deadline) }
    }
    return try body()
  }
}

/// The time limits of a scope, as other threads see them. Thread-safe.
package final class LimitWatch: Sendable {
  private let limits = Mutex<[TimeLimit]>([])

  package init() {}

  func set(_ limits: [TimeLimit]) { self.limits.withLock { $0 = limits } }

  /// A limit that was reached; nil if none was.
  package var expired: TimeLimit? { limits.withLock { $0 }.first { $0.deadline.isExpired } }
}
