import Glibc
import ProviumSystem
import Synchronization
import Testing

/// VMs whose waiting time and progress a test sets. Counts the measurements.
private final class Workload: Sendable {
  let waiting = Mutex<[Int32: UInt64]>([:])
  let stolen = Atomic<UInt64>(0)
  let progress = Atomic<UInt64>(0)
  let samples = Atomic<Int>(0)

  func sample() -> ExecutionSample {
    samples.add(1, ordering: .relaxed)
    return ExecutionSample(
      waiting: waiting.withLock { $0 },
      stolen: stolen.load(ordering: .relaxed),
      progress: progress.load(ordering: .relaxed)
    )
  }

  /// The test's own clock: nanoseconds.
  let time = Atomic<UInt64>(1_000_000_000_000)
  var now: UInt64 { time.load(ordering: .relaxed) }

  func deadline(_ length: Duration) -> FairDeadline {
    FairDeadline(length: length, sample: sample, clock: { self.now })
  }

  /// Lets time pass until `deadline` has expired, and behaves meanwhile like a VM that waits for `share` of the time.
  /// - Parameter isWorking: makes progress all the time.
  /// - Returns: the time that this took, as a multiple of `limit`.
  func run(_ deadline: Deadline, limit: Duration, share: Double, isWorking: Bool = false) -> Double {
    let begin = now
    let before = waiting.withLock { $0[1] ?? 0 }
    while !deadline.isExpired, elapsed(since: begin) < limit * 100 {
      time.add(500_000, ordering: .relaxed)
      waiting.withLock { $0[1] = before + UInt64(Double(now - begin) * share) }
      if isWorking { progress.add(1, ordering: .relaxed) }
    }
    return elapsed(since: begin) / limit
  }

  func elapsed(since begin: UInt64) -> Duration { .nanoseconds(Int64(now - begin)) }
}

@Suite("A fair deadline", .serialized) struct FairDeadlineTests {
  private let limit = Duration.milliseconds(200)

  @Test(
    "a VM that had a processor all the time gets its limit and no more, idle or not",
    arguments: [false, true]
  )
  func undisturbed(isWorking: Bool) {
    let load = Workload()
    let fair = load.deadline(limit)
    let took = load.run(fair.deadline, limit: limit, share: 0, isWorking: isWorking)
    #expect(took >= 1 && took < 1.2)
    #expect(fair.added == .zero && fair.deadline.isExpired)
  }

  @Test("work that makes progress gets all the time that it waited for a processor") func progress() {
    let load = Workload()
    // A quarter of the time was its own: it needs four times as long.
    let took = load.run(
      load.deadline(limit).deadline,
      limit: limit,
      share: 0.75,
      isWorking: true
    )
    #expect(took > 3.5 && took < 4.5, "\(took)")
  }

  @Test("work that hangs ends within one and a half times its limit, however busy its VM and the host are")
  func hang() {
    let load = Workload()
    let fair = load.deadline(limit)
    let took = load.run(fair.deadline, limit: limit, share: 0.9)
    #expect(took > 1.2 && took < 1.5, "\(took)")
    // Also if it did something before.
    let other = load.deadline(limit)
    load.progress.add(1, ordering: .relaxed)
    #expect(load.run(other.deadline, limit: limit, share: 0.9) < 1.5)
  }

  @Test("work that is never done ends after ten times its limit") func endless() {
    let load = Workload()
    let short = Duration.milliseconds(50)
    let took = load.run(
      load.deadline(short).deadline,
      limit: short,
      share: 0.99,
      isWorking: true
    )
    #expect(took > 5 && took < 11, "\(took)")
  }

  @Test("waiting before the limit began does not count, and that of a process that started later does")
  func earlier() {
    let load = Workload()
    load.waiting.withLock { $0[7] = 1_000_000_000_000 }
    let fair = load.deadline(limit)
    let took = load.run(fair.deadline, limit: limit, share: 0)
    #expect(took < 1.2, "\(took)")
    // Its numbers begin at 0; the other process has ended.
    let other = load.deadline(limit)
    load.waiting.withLock { $0 = [:] }
    #expect(load.run(other.deadline, limit: limit, share: 0.9) > 1.2)
  }

  @Test("time that the host's hypervisor took counts like waiting") func stolen() {
    let load = Workload()
    let fair = load.deadline(limit)
    let begin = load.now
    while !fair.deadline.isExpired, load.elapsed(since: begin) < limit * 5 {
      load.stolen.store(UInt64(Double(load.now - begin) * 0.8), ordering: .relaxed)
      load.time.add(500_000, ordering: .relaxed)
    }
    #expect(fair.added > limit * 0.2)
  }

  @Test("excluded time moves the limit, and work that ends early is never measured") func excluded() {
    let load = Workload()
    let fair = load.deadline(limit)
    let end = fair.deadline.nanoseconds
    fair.exclude(1_000_000_000)
    #expect(fair.deadline.nanoseconds == end + 1_000_000_000)
    #expect(!fair.deadline.isExpired && load.samples.load(ordering: .relaxed) == 0)
  }

  @Test("a blocking wait continues when the deadline has moved") func waits() throws {
    // It waits for nine tenths of the real time.
    let begin = Deadline.now
    @Sendable func sample() -> ExecutionSample {
      ExecutionSample(waiting: [1: UInt64(Double(Deadline.now - begin) * 0.9)])
    }
    let monitor = Monitor(0)
    let first = FairDeadline(length: limit, sample: sample).deadline
    #expect(monitor.wait(until: first) { _ in nil as Int? } == nil)
    #expect(Deadline.elapsed(since: begin) > limit * 1.3)
    let pipe = try Descriptor.pipe()
    let middle = Deadline.now
    let second = FairDeadline(length: limit, sample: sample).deadline
    #expect(try !Readiness.waitReadable(pipe.read.raw, until: second))
    #expect(Deadline.elapsed(since: middle) > limit * 1.3)
  }

  @Test("the earlier of two deadlines ends a wait, also where both move") func earliest() {
    let load = Workload()
    let fair = load.deadline(limit)
    #expect(Deadline.earliest(.never, fair.deadline) == fair.deadline)
    #expect(Deadline.earliest(fair.deadline, .never) == fair.deadline)
    let fixed = Deadline(nanoseconds: 1)
    #expect(Deadline.earliest(fixed, .never) == fixed && Deadline.earliest(.never, .never) == .never)
    let both = Deadline.earliest(fair.deadline, fixed)
    #expect(both.isExpired && !fair.deadline.isExpired)
    let late = Deadline.earliest(.after(.seconds(60)), fair.deadline)
    #expect(load.run(late, limit: limit, share: 0.9) < 1.5)
  }

  @Test("the time that a busy process waits for a processor is measured") func processorWait() throws {
    // More busy processes than processors, all on one.
    var busy: [ChildProcess] = []
    defer { for child in busy { child.terminate() } }
    for _ in 0..<3 {
      busy.append(
        try ChildProcess(
          executable: "/bin/sh",
          arguments: ["-c", "taskset -cp 0 $$ >/dev/null; while :; do :; done"]
        )
      )
    }
    let pid = try #require(busy.first?.pid)
    usleep(200_000)
    let before = try #require(ProcessorWait.longest(ofProcess: pid))
    usleep(600_000)
    let after = try #require(ProcessorWait.longest(ofProcess: pid))
    #expect(after - before > 200_000_000, "\(after - before)")
    #expect(ProcessorWait.longest(ofProcess: 0) == nil)
  }
}
