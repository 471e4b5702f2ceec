import Synchronization

/// A time limit for work in VMs that counts only the time in which they could run: the time that their
/// virtual processors waited for a real one is added, so that a busy host fails no test.
///
/// Nothing is measured while the work stays far from its limit: the first measurement is taken after a
/// quarter of the limit, the next ones when the limit is reached. Each of those may add up to two fifths of
/// the limit. Without progress since the previous measurement nothing is added, so that work that hangs ends
/// within one and a half times its limit, also if its VMs are busy. Thread-safe.
package final class FairDeadline: DeadlineSource {
  private struct State {
    /// When the limit is reached, with everything that was added.
    var end: UInt64
    var next: UInt64
    /// The last measurement, and when it was taken.
    var last: (sample: ExecutionSample, at: UInt64)?
    /// Measured waiting time that has not been added yet.
    var balance: UInt64 = 0
    var added: UInt64 = 0
    var hasAddedWithoutProgress = false
    var isExpired = false
  }
  private let state: Mutex<State>
  private let length: UInt64
  private let sample: @Sendable () -> ExecutionSample
  private let clock: @Sendable () -> UInt64

  /// The most that all additions make together, as a multiple of the limit.
  private static let most: UInt64 = 9

  /// Begins now.
  /// - Parameters:
  ///   - length: at most 68 years; longer ones are cut.
  ///   - sample: measures the VMs. Called on any thread, from within `isExpired`; reads files and must not
  ///     wait.
  ///   - clock: tests pass their own.
  package init(
    length: Duration,
    sample: @escaping @Sendable () -> ExecutionSample,
    clock: @escaping @Sendable () -> UInt64 = { Deadline.now }
  ) {
    let begin = clock()
    let (seconds, attoseconds) = length.components
    self.length =
      UInt64(max(0, min(seconds, 1 << 31))) * 1_000_000_000 + UInt64(max(0, attoseconds / 1_000_000_000))
    self.sample = sample
    self.clock = clock
    state = Mutex(State(end: begin + self.length, next: begin + self.length / 4))
  }

  package var deadline: Deadline { Deadline(source: self) }

  /// The time that was added to the limit.
  package var added: Duration { .nanoseconds(Int64(clamping: state.withLock { $0.added })) }

  package var nanoseconds: UInt64 { state.withLock { $0.next } }

  package func isExpired() -> Bool {
    state.withLock { state in
      let now = clock()
      guard now >= state.next, !state.isExpired else { return state.isExpired }
      measure(&state, at: now)
      if now < state.end {
        state.next = state.end
        return false
      }
      let addition = addition(&state)
      state.added += addition
      state.end = max(state.end, now) + addition
      state.next = state.end
      state.isExpired = addition == 0
      return state.isExpired
    }
  }

  /// Moves the limit: `nanoseconds` that have passed do not count, since the work was not allowed to run.
  package func exclude(_ nanoseconds: UInt64) {
    state.withLock { state in
      guard !state.isExpired else { return }
      state.end += nanoseconds
      state.next += nanoseconds
      if let last = state.last { state.last = (last.sample, last.at + nanoseconds) }
    }
  }

  /// Adds the waiting time since the last measurement to the balance.
  private func measure(_ state: inout State, at now: UInt64) {
    let sample = sample()
    if let last = state.last {
      let elapsed = now - min(now, last.at)
      var waited = min(elapsed, sample.waiting(since: last.sample))
      // The first quarter was not measured; it is taken to be like the rest.
      if state.balance == 0, state.added == 0 {
        waited = min(UInt64(Double(waited) * Double(elapsed + length / 4) / Double(max(1, elapsed))), length)
      }
      state.balance += waited
      if sample.progress != last.sample.progress { state.hasAddedWithoutProgress = false }
    }
    state.last = (sample, now)
  }

  private func addition(_ state: inout State) -> UInt64 {
    // An addition that is too small to matter would only repeat the measurement.
    let least = min(length / 50, 100_000_000)
    guard !state.hasAddedWithoutProgress, state.balance > least, state.added < length * Self.most else {
      return 0
    }
    let addition = min(state.balance, length * 2 / 5)
    state.balance -= addition
    state.hasAddedWithoutProgress = true
    return addition
  }
}

/// How much VMs could run up to one moment.
package struct ExecutionSample: Sendable {
  /// The nanoseconds that each QEMU process has waited for a processor since it started, by process number.
  package var waiting: [Int32: UInt64]
  /// The nanoseconds that the host's own hypervisor took from a processor of the host since its boot, on
  /// average.
  package var stolen: UInt64
  /// Counts what the work has done: a hang is where this number stays.
  package var progress: UInt64

  package init(waiting: [Int32: UInt64] = [:], stolen: UInt64 = 0, progress: UInt64 = 0) {
    self.waiting = waiting
    self.stolen = stolen
    self.progress = progress
  }

  /// Nanoseconds since an earlier sample. A process that is not in it has started since.
  func waiting(since earlier: ExecutionSample) -> UInt64 {
    waiting.reduce(stolen - min(stolen, earlier.stolen)) { sum, process in
      let before = min(process.value, earlier.waiting[process.key] ?? 0)
      return sum + (process.value - before)
    }
  }
}
