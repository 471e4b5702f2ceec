import ProviumSystem
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
}
