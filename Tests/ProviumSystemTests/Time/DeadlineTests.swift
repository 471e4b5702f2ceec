import Glibc
import ProviumSystem
import Synchronization
import Testing

@Suite("A deadline") struct DeadlineTests {
  @Test("elapsed time is counted from a beginning, and is never negative") func elapsed() {
    let now = Deadline.now
    #expect(Deadline.elapsed(since: now - 2_000_000_000) >= .seconds(2))
    #expect(Deadline.elapsed(since: now - 2_000_000_000) < .seconds(60))
    #expect(Deadline.elapsed(since: now + 1_000_000_000_000) == .zero)
  }

  @Test("a deadline in the past is expired, and one without end never is") func expiry() {
    #expect(Deadline.after(.zero).isExpired && Deadline.after(.seconds(-1)).isExpired)
    #expect(!Deadline.after(.seconds(100)).isExpired && !Deadline.never.isExpired)
    #expect(Deadline.never.pollMilliseconds == -1 && Deadline.never.moved(by: 5) == .never)
    #expect(Deadline.after(.seconds(1 << 40)) == .never)
  }

  @Test("a wait is rounded up to whole milliseconds, so that it does not end early") func rounding() {
    #expect((1...2).contains(Deadline.after(.microseconds(1500)).pollMilliseconds))
    #expect(Deadline.after(.seconds(-5)).remaining == .zero)
  }

  @Test("a short wait ends after its own time, also when the other deadline moves in the meantime")
  func shortWait() throws {
    let begin = Deadline.now
    let moving = MovingDeadline(first: begin + 10_000_000, then: begin + 600_000_000_000)
    var none: [pollfd] = []
    #expect(
      try !Readiness.poll(&none, until: .earliest(Deadline(source: moving), .after(.milliseconds(30))))
    )
    #expect(Deadline.elapsed(since: begin) < .seconds(300))
    #expect(moving.hasMoved)
  }
}

/// A deadline that is later by far when it is reached for the first time, as a `FairDeadline` at a quarter of its limit.
private final class MovingDeadline: DeadlineSource {
  private let state: Mutex<(next: UInt64, then: UInt64)>

  init(first: UInt64, then: UInt64) { state = Mutex((first, then)) }

  var nanoseconds: UInt64 { state.withLock { $0.next } }
  var hasMoved: Bool { state.withLock { $0.next == $0.then } }

  func isExpired() -> Bool {
    state.withLock { state in
      guard Deadline.now >= state.next else { return false }
      defer { state.next = state.then }
      return state.next == state.then
    }
  }
}
