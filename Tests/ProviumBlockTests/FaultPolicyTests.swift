import Glibc
import ProviumBlock
import ProviumSystem
import Testing

@Suite("Faults of a disk")
struct FaultPolicyTests {
  private func write(_ sector: Int, _ sectors: Int = 1) -> DiskRequest {
    DiskRequest(.write, offset: sector * 512, count: sectors * 512)
  }

  @Test("a fault of some sectors fails requests that touch one of them")
  func sectors() {
    var policy = FaultPolicy(seed: 1)
    policy.add(FaultRule(.write, sectors: 10...19, errno: Errno(EIO)))
    #expect(policy.decide(write(9), now: 0).errno == nil)
    #expect(policy.decide(write(9, 2), now: 0).errno == Errno(EIO))
    #expect(policy.decide(write(19), now: 0).errno == Errno(EIO))
    #expect(policy.decide(write(20, 8), now: 0).errno == nil)
    #expect(policy.decide(DiskRequest(.read, offset: 5120, count: 512), now: 0).errno == nil)
    #expect(policy.decide(DiskRequest(.flush), now: 0).errno == nil)
    #expect(policy.failures == 2)
  }

  @Test("a fault begins after some requests, and ends after some failures")
  func afterAndTimes() {
    var policy = FaultPolicy(seed: 1)
    policy.add(FaultRule(.flush, after: 2, times: 3, errno: Errno(EIO)))
    let failed = (0..<8).map { _ in policy.decide(DiskRequest(.flush), now: 0).errno != nil }
    #expect(failed == [false, false, true, true, true, false, false, false])
  }

  @Test("a disk that is full fails writes with ENOSPC and still reads and flushes")
  func full() {
    var policy = FaultPolicy(seed: 1)
    policy.fill(after: 1024)
    #expect(policy.decide(write(0, 2), now: 0).errno == nil)
    #expect(policy.decide(write(0), now: 0).errno == Errno(ENOSPC))
    #expect(policy.decide(DiskRequest(.read, count: 512), now: 0).errno == nil)
    #expect(policy.decide(DiskRequest(.flush), now: 0).errno == nil)
    policy.clear()
    #expect(policy.decide(write(0), now: 0).errno == nil)
  }

  @Test("a read-only disk fails everything that changes it")
  func readOnly() {
    var policy = FaultPolicy(seed: 1)
    policy.isReadOnly = true
    for operation in [DiskRequest.Operation.write, .trim, .zero] {
      #expect(policy.decide(DiskRequest(operation, count: 512), now: 0).errno == Errno(EPERM))
    }
    #expect(policy.decide(DiskRequest(.read, count: 512), now: 0).errno == nil)
  }

  @Test("answers are late by the latency, and by a jitter that depends on the seed")
  func latency() {
    var (first, second) = (FaultPolicy(seed: 7), FaultPolicy(seed: 7))
    for policy in [0, 1] {
      let slow = { (policy: inout FaultPolicy) in
        policy.slow(latency: .milliseconds(5), jitter: .milliseconds(2), rate: nil)
      }
      if policy == 0 { slow(&first) } else { slow(&second) }
    }
    for _ in 0..<100 {
      let due = first.decide(write(0), now: 1000).due
      #expect(due == second.decide(write(0), now: 1000).due)
      #expect((5_001_000...7_001_000).contains(due ?? 0))
    }
  }

  @Test("a rate delays each request by the time of those before it")
  func rate() {
    var policy = FaultPolicy(seed: 1)
    policy.slow(latency: .zero, jitter: .zero, rate: 512_000)
    #expect(policy.decide(write(0), now: 0).due == 1_000_000)
    #expect(policy.decide(write(0), now: 0).due == 2_000_000)
    #expect(policy.decide(write(0), now: 10_000_000).due == 11_000_000)
  }

  @Test("without faults no request is delayed or fails")
  func idle() {
    var policy = FaultPolicy(seed: 1)
    let decision = policy.decide(write(0), now: 5)
    #expect(decision.errno == nil && decision.due == nil)
  }

  @Test("a disk that answers with an error has not changed")
  func failedWrite() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    disk.changePolicy { $0.add(FaultRule(.write, times: 1, errno: Errno(EIO))) }
    #expect(disk.write(block(1), at: 0) == Errno(EIO))
    #expect(try disk.read(at: 0, count: 4096) == block(0))
    #expect(disk.write(block(1), at: 0) == nil)
    #expect(disk.statistics.failures == 1)
    #expect(disk.statistics.writes == 2)
    #expect(disk.statistics.unflushed == 4096)
  }
}
