package import ProviumSystem
import Synchronization

/// The time limits in force in one scope, outermost first. Belongs to the scope's thread.
package final class ScopeLimits {
  private var limits: [TimeLimit] = [] {
    didSet { watch.set(limits.min { $0.deadline < $1.deadline }) }
  }
  private var isSuspended = false
  private let watch: LimitWatch
  /// Receives the deadline whenever it becomes another one for a reason other than a new limit.
  package var onChange: (Deadline) -> Void = { _ in }

  package init(_ watch: LimitWatch) { self.watch = watch }

  /// The earliest deadline in force.
  package var deadline: Deadline { isSuspended ? .never : limits.map(\.deadline).min() ?? .never }

  /// The limit that was reached first; nil if none was reached.
  package var reached: TimeLimit? { limits.filter(\.deadline.isExpired).min { $0.deadline < $1.deadline } }

  /// Adds a limit until `pop`.
  package func push(_ limit: TimeLimit) { limits.append(limit) }

  /// Removes the limit that was added last.
  package func pop() {
    limits.removeLast()
    // The limits around the one that ended may have moved since it began.
    onChange(deadline)
  }

  /// Runs `body`, whose time does not count against the limits: a fixture is built for all files.
  package func suspended<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard deadline != .never else { return try body() }
    let begin = Deadline.now
    isSuspended = true
    watch.set(nil)
    onChange(.never)
    defer {
      isSuspended = false
      let spent = Deadline.now - begin
      limits = limits.map { limit in
        var limit = limit
        limit.deadline = limit.deadline.moved(by: spent)
        return limit
      }
      onChange(deadline)
    }
    return try body()
  }
}

/// The time limit that ends a scope next, as other threads see it. Thread-safe.
package final class LimitWatch: Sendable {
  private let next = Mutex<TimeLimit?>(nil)

  package init() {}

  func set(_ limit: TimeLimit?) { next.withLock { $0 = limit } }

  /// The limit that ends the scope and has expired; nil if none has.
  package var expired: TimeLimit? { next.withLock { $0 }.flatMap { $0.deadline.isExpired ? $0 : nil } }
}
