import Glibc

/// A point in monotonic time until which an operation may take. It is passed down and never restarted on the way.
package struct Deadline: Sendable, Hashable, Comparable {
  /// Nanoseconds of `CLOCK_MONOTONIC`; `UInt64.max`: never.
  package let nanoseconds: UInt64

  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  package static let never = Deadline(nanoseconds: .max)

  /// Returns a deadline that is later by `nanoseconds`; `never` stays `never`.
  package func moved(by nanoseconds: UInt64) -> Deadline {
    self == .never ? self : Deadline(nanoseconds: self.nanoseconds + nanoseconds)
  }

  /// Nanoseconds of `CLOCK_MONOTONIC` now: a beginning to hand to `elapsed(since:)`.
  package static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Returns the time since `start`, which `now` gave earlier.
  package static func elapsed(since start: UInt64) -> Duration {
    let now = now
    return now <= start ? .zero : .nanoseconds(Int64(clamping: now - start))
  }

  package static func after(_ duration: Duration) -> Deadline {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return Deadline(nanoseconds: now) }
    guard seconds < 1 << 32 else { return .never }
    return Deadline(nanoseconds: now + UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000))
  }

  package var isExpired: Bool { nanoseconds != .max && Deadline.now >= nanoseconds }

  /// The time that is left, never negative; a century for `never`.
  package var remaining: Duration {
    if nanoseconds == .max { return .seconds(100 * 365 * 86400) }
    let now = Deadline.now
    return now >= nanoseconds ? .zero : .nanoseconds(Int64(min(nanoseconds - now, UInt64(Int64.max))))
  }

  /// The timeout argument of `poll(2)`: rounded up, so that a wait never ends before the deadline; -1 for `never`.
  package var pollMilliseconds: Int32 {
    if nanoseconds == .max { return -1 }
    let now = Deadline.now
    if now >= nanoseconds { return 0 }
    return Int32(min((nanoseconds - now + 999_999) / 1_000_000, UInt64(Int32.max)))
  }

  package static func < (left: Deadline, right: Deadline) -> Bool { left.nanoseconds < right.nanoseconds }
}
