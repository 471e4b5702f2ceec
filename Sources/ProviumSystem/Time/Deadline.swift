import Glibc

/// A point in monotonic time until which an operation may take. It is passed down and never restarted on the
/// way.
///
/// A deadline with a source may move: see `FairDeadline`. A wait that reaches the deadline must check
/// `isExpired`, and continue if that is false. Deadlines are therefore not comparable: the lesser of two would be the one that moves
/// a moment before it does, and then be later than the other. `earliest` is right at any time.
package struct Deadline: Sendable, Hashable {
  private let fixed: UInt64
  private let source: Source?

  /// Nanoseconds of `CLOCK_MONOTONIC`; `UInt64.max`: never. A deadline with a source may be later at the next
  /// call.
  package var nanoseconds: UInt64 { source?.value.nanoseconds ?? fixed }

  package init(nanoseconds: UInt64) {
    fixed = nanoseconds
    source = nil
  }

  /// - Parameter source: decides when the deadline has expired.
  package init(source: any DeadlineSource) {
    fixed = 0
    self.source = Source(value: source)
  }

  package static let never = Deadline(nanoseconds: .max)

  /// Returns a deadline that is later by `nanoseconds`; `never` stays `never`. A deadline with a source
  /// becomes a fixed one.
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

  /// Returns a deadline that expires when the first of two does, also where they move.
  package static func earliest(_ first: Deadline, _ second: Deadline) -> Deadline {
    if first.source == nil, second.source == nil { return first.fixed <= second.fixed ? first : second }
    if first == .never { return second }
    return second == .never ? first : Deadline(source: EarliestDeadline(first: first, second: second))
  }

  package var isExpired: Bool {
    if let source { return source.value.isExpired() }
    return fixed != .max && Deadline.now >= fixed
  }

  /// The time that is left, never negative; a century for `never`.
  package var remaining: Duration {
    let end = nanoseconds
    if end == .max { return .seconds(100 * 365 * 86400) }
    let now = Deadline.now
    return now >= end ? .zero : .nanoseconds(Int64(min(end - now, UInt64(Int64.max))))
  }

  /// The timeout argument of `poll(2)`: rounded up, so that a wait never ends before the deadline; -1 for
  /// `never`.
  package var pollMilliseconds: Int32 {
    let end = nanoseconds
    if end == .max { return -1 }
    let now = Deadline.now
    if now >= end { return 0 }
    return Int32(min((end - now + 999_999) / 1_000_000, UInt64(Int32.max)))
  }

  /// Two deadlines that move are equal if they have the same source.
  private struct Source: Sendable, Hashable {
    let value: any DeadlineSource
    static func == (left: Source, right: Source) -> Bool { left.value === right.value }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(value)) }
  }
}

/// Decides when a deadline has expired. Thread-safe.
package protocol DeadlineSource: AnyObject, Sendable {
  /// When to ask `isExpired` next: nanoseconds of `CLOCK_MONOTONIC`.
  var nanoseconds: UInt64 { get }
  /// Whether the deadline has expired now. Called at or after `nanoseconds`, it may move that instead.
  func isExpired() -> Bool
}

private final class EarliestDeadline: DeadlineSource {
  private let first: Deadline
  private let second: Deadline

  init(first: Deadline, second: Deadline) {
    self.first = first
    self.second = second
  }

  var nanoseconds: UInt64 { min(first.nanoseconds, second.nanoseconds) }
  func isExpired() -> Bool { first.isExpired || second.isExpired }
}
