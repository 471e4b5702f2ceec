import Glibc
package import ProviumSystem

/// The faults of one disk: a value that decides about each request. Its decisions depend on the requests, their times and
/// the seed alone.
package struct FaultPolicy: Sendable {
  /// The decision about one request.
  package struct Decision: Sendable, Hashable {
    /// The request fails with it; nil: it succeeds.
    package var errno: Errno?
    /// The time at which the answer is due, in the unit of `now`; nil: at once.
    package var due: UInt64?
  }

  package private(set) var rules: [FaultRule] = []
  /// Every request takes this long, in nanoseconds.
  package private(set) var latency: UInt64 = 0
  /// The most nanoseconds that are added to `latency`, at random.
  package private(set) var jitter: UInt64 = 0
  /// Bytes a second; nil: no limit.
  package private(set) var rate: UInt64?
  /// The most bytes that can be written from `full` on; nil: no limit.
  package private(set) var room: Int?
  /// Writes fail with EPERM.
  package var isReadOnly = false
  /// Writes of several sectors that a power cut keeps may be kept in part.
  package var tearsWrites = false
  private var generator: SeededGenerator
  /// When the last byte has passed at `rate`.
  private var busyUntil: UInt64 = 0
  /// The requests that failed because of this policy.
  package private(set) var failures = 0

  package init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  /// Adds a rule. Of several rules that match a request, the first one decides.
  package mutating func add(_ rule: FaultRule) { rules.append(rule) }

  /// Delays every answer.
  package mutating func slow(latency: Duration, jitter: Duration, rate: UInt64?) {
    self.latency = latency.inNanoseconds
    self.jitter = jitter.inNanoseconds
    self.rate = rate
  }

  /// Lets writes fail with ENOSPC once `bytes` more bytes have been written.
  package mutating func fill(after bytes: Int) { room = bytes }

  /// Removes all faults. The random numbers go on.
  package mutating func clear() {
    rules = []
    (latency, jitter, rate, room) = (0, 0, nil, nil)
    (isReadOnly, tearsWrites) = (false, false)
    busyUntil = 0
  }

  /// Whether every request succeeds at once.
  private var isIdle: Bool {
    rules.isEmpty && latency == 0 && jitter == 0 && rate == nil && room == nil && !isReadOnly
  }

  /// - Parameter now: in nanoseconds, from any start.
  package mutating func decide(_ request: DiskRequest, now: UInt64) -> Decision {
    guard !isIdle else { return Decision() }
    var decision = Decision(errno: error(for: request), due: due(request, now: now))
    if decision.errno != nil { failures += 1 }
    if let due = decision.due, due <= now { decision.due = nil }
    return decision
  }

  private mutating func error(for request: DiskRequest) -> Errno? {
    for index in rules.indices {
      if let errno = rules[index].error(for: request) { return errno }
    }
    guard request.changesContents else { return nil }
    if isReadOnly { return Errno(EPERM) }
    if let room, request.operation != .trim {
      guard request.count <= room else { return Errno(ENOSPC) }
      self.room = room - request.count
    }
    return nil
  }

  private mutating func due(_ request: DiskRequest, now: UInt64) -> UInt64? {
    guard latency > 0 || jitter > 0 || rate != nil else { return nil }
    var due = now &+ latency
    if jitter > 0 { due &+= UInt64.random(in: 0...jitter, using: &generator) }
    if let rate, rate > 0, request.operation == .read || request.operation == .write {
      let time = Double(request.count) * 1e9 / Double(rate)
      busyUntil = max(busyUntil, now) &+ UInt64(min(time, 1e15))
      due = max(due, busyUntil)
    }
    return due
  }
}
