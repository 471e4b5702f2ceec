import ProviumSystem
import Synchronization
import Testing

@testable import ProviumRuntime

@Suite("The resource pool") struct ResourcePoolTests {
  private func request(_ megabytes: UInt64, cpus: Int = 1, cold: Bool = false) -> PoolRequest {
    PoolRequest(memory: megabytes << 20, cpus: cpus, isColdBoot: cold)
  }

  @Test("a request that can never fit fails at once") func neverFits() {
    let pool = ResourcePool(.fixed(memory: 512 << 20, cpus: 2))
    let error = #expect(throws: PoolError.self) {
      try pool.reserve(request(1024), owner: 1, name: "a.lua", until: .never)
    }
    #expect(error?.description == "a machine of 1G and 1 CPU can never fit into 512M of memory and 2 CPUs")
  }

  @Test(
    "a pool that limits one resource does not limit the other",
    arguments: [
      (
        PoolBudget.fixed(memory: 512 << 20, cpus: nil),
        PoolRequest(memory: 64 << 20, cpus: 255, isColdBoot: false),
        "a machine of 1G and 1 CPU can never fit into 512M of memory",
        "resource pool: 512M memory, unlimited CPUs"
      ),
      (
        .fixed(memory: nil, cpus: 2), PoolRequest(memory: 900 << 30, cpus: 1, isColdBoot: false),
        "a machine of 1G and 3 CPUs can never fit into 2 CPUs", "resource pool: unlimited memory, 2 CPUs"
      ),
    ]
  )
  func oneResource(budget: PoolBudget, fitting: PoolRequest, complaint: String, header: String) throws {
    let pool = ResourcePool(budget)
    #expect(budget.header == header)
    let first = try pool.reserve(fitting, owner: 1, name: "a.lua", until: .never)
    #expect(pool.inUse == (fitting.memory, fitting.cpus))
    let cpus = if case .fixed(_, let limit?) = budget { limit + 1 } else { 1 }
    let error = #expect(throws: PoolError.self) {
      try pool.reserve(request(1024, cpus: cpus), owner: 1, name: "a.lua", until: .never)
    }
    #expect(error?.description == complaint)
    // The limited resource is shared out as in any fixed pool.
    #expect(throws: PoolError.self) {
      let other = PoolRequest(memory: 512 << 20, cpus: 2, isColdBoot: false)
      _ = try pool.reserve(other, owner: 2, name: "b.lua", until: .after(.milliseconds(20)))
    }
    first.release()
  }

  @Test("amounts at the end of the number range do not overflow a pool that does not limit memory")
  func hugeAmounts() throws {
    let pool = ResourcePool(.fixed(memory: nil, cpus: 4))
    let huge = PoolRequest(memory: .max, cpus: 1, isColdBoot: false)
    #expect(throws: PoolError.self) {
      _ = try pool.reserve(huge, owner: 1, name: "a.lua", until: .after(.milliseconds(20)))
    }
    let large = PoolRequest(memory: 1 << 61, cpus: 1, isColdBoot: false)
    let held = try (1...2).map { try pool.reserve(large, owner: $0, name: "a.lua", until: .never) }
    #expect(throws: PoolError.self) {
      _ = try pool.reserve(large, owner: 3, name: "b.lua", until: .after(.milliseconds(20)))
    }
    held.forEach { $0.release() }
  }

  @Test("the pool never grants more than its budget, and gets everything back") func budget() throws {
    let pool = ResourcePool(.fixed(memory: 1024 << 20, cpus: 3))
    let highest = Atomic<UInt64>(0)
    let threads = try (0..<12).map { owner in
      try DedicatedThread(name: "file\(owner)") {
        for round in 1...8 {
          guard
            let reservation = try? pool.reserve(
              self.request(UInt64(64 * (1 + (owner + round) % 8))),
              owner: owner,
              name: "\(owner)",
              until: .never
            )
          else { return }
          highest.max(pool.inUse.memory, ordering: .relaxed)
          reservation.release()
        }
      }
    }
    threads.forEach { $0.join() }
    #expect(highest.load(ordering: .relaxed) <= 1024 << 20)
    #expect(pool.inUse == (0, 0))
  }

  @Test("small requests do not overtake a big one") func noStarvation() throws {
    let pool = ResourcePool(.fixed(memory: 512 << 20, cpus: 8))
    let first = try pool.reserve(request(256), owner: 1, name: "first", until: .never)
    let order = Mutex<[String]>([])
    let queued = Handover<Void>()
    let big = try DedicatedThread(name: "big") {
      let reservation = try? pool.reserve(
        self.request(512),
        owner: 2,
        name: "big",
        until: .never,
        tell: queued.whenWaiting
      )
      order.withLock { $0.append("big") }
      reservation?.release()
    }
    queued.wait()
    let smallQueued = Handover<Void>()
    let small = try DedicatedThread(name: "small") {
      let reservation = try? pool.reserve(
        self.request(128),
        owner: 3,
        name: "small",
        until: .never,
        tell: smallQueued.whenWaiting
      )
      order.withLock { $0.append("small") }
      reservation?.release()
    }
    smallQueued.wait()
    first.release()
    big.join()
    small.join()
    #expect(order.withLock { $0 } == ["big", "small"])
  }

  @Test("a deadlock of two files ends with an error for one of them") func deadlock() throws {
    let pool = ResourcePool(.fixed(memory: 512 << 20, cpus: 8))
    let errors = Mutex<[String]>([])
    let served = Atomic<Int>(0)
    let both = Atomic<Int>(0)
    let threads = try (1...2).map { owner in
      try DedicatedThread(name: "file\(owner)") {
        do {
          let one = try pool.reserve(self.request(256), owner: owner, name: "\(owner).lua", until: .never)
          both.add(1, ordering: .sequentiallyConsistent)
          while both.load(ordering: .sequentiallyConsistent) < 2 {}
          let two = try pool.reserve(self.request(256), owner: owner, name: "\(owner).lua", until: .never)
          served.add(1, ordering: .relaxed)
          two.release()
          one.release()
        } catch { errors.withLock { $0.append("\(error)") } }
      }
    }
    threads.forEach { $0.join() }
    let said = errors.withLock { $0 }
    #expect(said.count == 1)
    #expect(served.load(ordering: .relaxed) == 1)
    #expect(said.first?.contains("resource deadlock") == true)
    #expect(said.first?.contains("provium.claim{") == true)
  }

  @Test("the automatic mode waits for memory that other programs free before it reports a deadlock")
  func patience() throws {
    let available = Atomic<UInt64>(16 << 30)
    let pool = ResourcePool(.automatic, patience: .milliseconds(300)) {
      HostCapacity(
        total: 64 << 30,
        available: available.load(ordering: .relaxed),
        processors: 4
      )
    }
    let one = try pool.reserve(request(256), owner: 1, name: "a.lua", until: .never)
    available.store(1 << 30, ordering: .relaxed)
    // Another program of the host ends while the file waits.
    let two = try pool.reserve(
      request(1024),
      owner: 1,
      name: "a.lua",
      until: .after(.seconds(10)),
      tell: {
        if case .waiting = $0 { available.store(16 << 30, ordering: .relaxed) }
      }
    )
    two.release()
    available.store(1 << 30, ordering: .relaxed)
    let error = #expect(throws: PoolError.self) {
      try pool.reserve(self.request(1024), owner: 1, name: "a.lua", until: .after(.seconds(10)))
    }
    #expect(error?.description.contains("resource deadlock") == true)
    one.release()
  }

  @Test(
    "a request that only other programs of the host could serve fails after a while, and not while a VM runs"
  )
  func hostPatience() throws {
    let available = Atomic<UInt64>(16 << 30)
    let pool = ResourcePool(.automatic, hostPatience: .milliseconds(400)) {
      HostCapacity(total: 64 << 30, available: available.load(ordering: .relaxed), processors: 4)
    }
    let held = try pool.reserve(request(256), owner: 1, name: "a.lua", until: .never)
    available.store(100 << 20, ordering: .relaxed)
    // The VM of a.lua may free what b.lua needs: the wait has no end of its own.
    let said = Mutex("")
    let done = Atomic(false)
    let other = try DedicatedThread(name: "other") {
      do { _ = try pool.reserve(self.request(512), owner: 2, name: "b.lua", until: .never) } catch {
        said.withLock { $0 = "\(error)" }
      }
      done.store(true, ordering: .relaxed)
    }
    Monitor(()).wait(until: .after(.seconds(1))) { _ in nil as Void? }
    let hasEnded = done.load(ordering: .relaxed)
    #expect(!hasEnded)
    held.release()
    other.join()
    #expect(
      said.withLock { $0 }.hasPrefix("the host had no room for 512M and 1 CPU in time"),
      "\(said.withLock { $0 })"
    )
  }

  @Test("cold boots are limited to the processors, resumes are not") func staggering() throws {
    let host = HostCapacity(total: 64 << 30, available: 60 << 30, processors: 1)
    let pool = ResourcePool(.automatic, capacity: { host })
    let boot = try pool.reserve(request(256, cold: true), owner: 1, name: "a", until: .never)
    #expect(throws: PoolError.self) {
      try pool.reserve(request(256, cold: true), owner: 2, name: "b", until: .after(.milliseconds(10)))
    }
    let resumed = try pool.reserve(request(32), owner: 3, name: "c", until: .after(.seconds(5)))
    boot.bootFinished()
    resumed.release()
    let next = try pool.reserve(request(256, cold: true), owner: 2, name: "b", until: .after(.seconds(5)))
    next.release()
    boot.release()
  }

  @Test(
    "the automatic mode leaves a reserve to the host and waits while memory is under pressure",
    arguments: [
      (HostCapacity(total: 64 << 30, available: 2 << 30, processors: 8), false),
      (HostCapacity(total: 64 << 30, available: 8 << 30, processors: 8), true),
      (HostCapacity(total: 64 << 30, available: 8 << 30, processors: 8, pressure: .init(memory: 50)), false),
    ]
  )
  func automatic(host: HostCapacity, admitted: Bool) throws {
    let pool = ResourcePool(.automatic, capacity: { host })
    // The first VM of a run is admitted if it fits into the available memory.
    let first = try pool.reserve(request(128), owner: 1, name: "a", until: .never)
    let second = try? pool.reserve(request(1024), owner: 2, name: "b", until: .after(.milliseconds(20)))
    #expect((second != nil) == admitted)
    second?.release()
    first.release()
  }

  // MARK: The end of a wait

  @Test("an interrupted file stops waiting for the pool") func interrupted() throws {
    let pool = ResourcePool(.fixed(memory: 256 << 20, cpus: 2))
    let first = try pool.reserve(request(256), owner: 1, name: "a.lua", until: .never)
    let isCancelled = Atomic<Bool>(false)
    let queued = Handover<Void>()
    let said = Mutex<String>("")
    let second = try DedicatedThread(name: "second") {
      do {
        _ = try pool.reserve(
          self.request(128),
          owner: 2,
          name: "b.lua",
          until: .never,
          isCancelled: { isCancelled.load(ordering: .relaxed) },
          tell: queued.whenWaiting
        )
      } catch { said.withLock { $0 = "\(error)" } }
    }
    queued.wait()
    isCancelled.store(true, ordering: .relaxed)
    pool.wake()
    second.join()
    #expect(said.withLock { $0 } == "interrupted while waiting for the resource pool")
    first.release()
    // Its request was removed.
    try pool.reserve(request(256), owner: 3, name: "c.lua", until: .after(.seconds(5))).release()
  }

  @Test("a deadlock through a fixture is detected and named") func deadlockByFixture() throws {
    let pool = ResourcePool(.fixed(memory: 512 << 20, cpus: 8))
    let held = try pool.reserve(request(256), owner: 1, name: "a.lua", until: .never)
    pool.noteWait(of: 1, for: 2, what: "the fixture big, which b.lua builds")
    let error = #expect(throws: PoolError.self) {
      try pool.reserve(request(384), owner: 2, name: "b.lua", until: .after(.seconds(10)))
    }
    let text = error?.description ?? ""
    #expect(
      text.hasPrefix(
        "resource deadlock: b.lua needs 384M and 1 CPU, and no holder can release the 256M in use: "
      )
    )
    #expect(text.contains("a.lua holds 256M and waits for the fixture big, which b.lua builds"))
    pool.endWait(of: 1)
    held.release()
  }

  @Test("the request of a file that a holder waits for is served first") func inheritance() throws {
    let pool = ResourcePool(.fixed(memory: 512 << 20, cpus: 8))
    let held = try pool.reserve(request(256), owner: 1, name: "a.lua", until: .never)
    let queued = Handover<Void>()
    let stranger = try DedicatedThread(name: "stranger") {
      try? pool.reserve(self.request(512), owner: 3, name: "c.lua", until: .never, tell: queued.whenWaiting)
        .release()
    }
    queued.wait()
    pool.noteWait(of: 1, for: 2, what: "a fixture")
    // Requested after the stranger, who waits for what a.lua releases only after this.
    let reservation = try pool.reserve(request(256), owner: 2, name: "b.lua", until: .after(.seconds(10)))
    reservation.release()
    pool.endWait(of: 1)
    held.release()
    stranger.join()
  }

  @Test("the second of two holders is served when the first waits for it") func noFalseOrder() throws {
    let pool = ResourcePool(.fixed(memory: 1024 << 20, cpus: 8))
    let one = try pool.reserve(request(400), owner: 1, name: "a.lua", until: .never)
    let two = try pool.reserve(request(400), owner: 2, name: "b.lua", until: .never)
    let queued = Handover<Void>()
    let first = try DedicatedThread(name: "first") {
      try? pool.reserve(self.request(500), owner: 1, name: "a.lua", until: .never, tell: queued.whenWaiting)
        .release()
      one.release()
    }
    queued.wait()
    let more = try pool.reserve(request(100), owner: 2, name: "b.lua", until: .after(.seconds(10)))
    more.release()
    two.release()
    first.join()
  }

  // MARK: What machines cost

  @Test("a VM may grow past the budget, and no other VM is admitted until there is room") func growth() throws
  {
    let pool = ResourcePool(.fixed(memory: 256 << 20, cpus: 8))
    let notices = Mutex<[String]>([])
    let grown = try pool.reserve(
      request(64),
      owner: 1,
      name: "a.lua",
      until: .never,
      tell: { notice in
        notices.withLock { $0.append("\(notice)".replacing(/waited: .*/, with: "")) }
      }
    )
    grown.grow(by: 256 << 20)
    #expect(pool.inUse.memory == 320 << 20)
    #expect(throws: PoolError.self) {
      try pool.reserve(request(64), owner: 2, name: "b.lua", until: .after(.milliseconds(20)))
    }
    grown.release()
    try pool.reserve(request(256), owner: 2, name: "b.lua", until: .after(.seconds(5))).release()
    #expect(
      notices.withLock { $0 } == [
        "granted(reservation: 1, ", "grown(reservation: 1, memory: 335544320)", "released(reservation: 1)",
      ]
    )
  }

  @Test(
    "a file's VMs are charged to its own reservation first, and an error names what the reservation lacks"
  )
  func reservation() throws {
    let pool = ResourcePool(.fixed(memory: 1024 << 20, cpus: 8))
    let reservation = ScopeReservation(try pool.reserve(request(300), owner: 1, name: "a.lua", until: .never))
    try reservation.take(request(64))
    let cpus = #expect(throws: ReservationError.self) { try reservation.take(request(64)) }
    #expect(cpus?.missing == "1 CPU")
    let both = #expect(throws: ReservationError.self) { try reservation.take(request(264)) }
    #expect(both?.missing == "28M of memory and 1 CPU")
    var machine: MachineReservation? = MachineReservation(request(64), from: reservation, turn: nil)
    machine?.charge(65 << 20)
    #expect(pool.inUse.memory == 300 << 20)
    machine?.charge(310 << 20)
    #expect(pool.inUse.memory == 320 << 20)
    machine = nil
    try reservation.take(request(320))
  }

  @Test("a VM that only saves time gets what is left, ends warm VMs, and never delays a request")
  func spareVMs() throws {
    let pool = ResourcePool(.fixed(memory: 256 << 20, cpus: 3))
    let warm = Mutex<[PoolReservation]>([])
    pool.onNeed { warm.withLock { $0.popLast() } != nil }
    func spare(_ megabytes: UInt64) -> PoolReservation? {
      pool.reserveSpare(request(megabytes, cpus: 1), owner: 1, name: "a.lua", tell: { _ in })
    }
    // Held by the array alone, so that it is given back when it leaves the array.
    warm.withLock { warm in
      if let made = pool.reserveWarm(request(128, cpus: 1), name: "a warm VM", tell: { _ in }) {
        warm.append(made)
      }
    }
    let own = try pool.reserve(request(64, cpus: 1), owner: 1, name: "a.lua", until: .after(.seconds(5)))
    let first = spare(64)
    #expect(first != nil)
    #expect(warm.withLock { $0.count } == 1)
    let second = spare(64)
    #expect(second != nil)
    #expect(warm.withLock { $0.count } == 0)
    // All processors are taken, then too much of the memory.
    #expect(spare(1) == nil)
    second?.release()
    #expect(spare(256) == nil)
    #expect(pool.inUse.memory == 128 << 20)
    own.release()
    first?.release()
    #expect(!pool.isWanted)
  }

  @Test("warm VMs give way to requests, and none is reserved while a request waits") func warmVMs() throws {
    let pool = ResourcePool(.fixed(memory: 256 << 20, cpus: 2))
    let warm = Mutex<[PoolReservation]>([])
    pool.onNeed { warm.withLock { $0.popLast() } != nil }
    for _ in 1...4 {
      let made = pool.reserveWarm(request(64, cpus: 0), name: "a warm VM", tell: { _ in })
      let reservation = try #require(made)
      warm.withLock { $0.append(reservation) }
    }
    #expect(pool.reserveWarm(request(64, cpus: 0), name: "a warm VM", tell: { _ in }) == nil)
    let reservation = try pool.reserve(
      request(128, cpus: 2),
      owner: 1,
      name: "a.lua",
      until: .after(.seconds(5))
    )
    #expect(warm.withLock { $0.count } == 2)
    // Warm VMs neither cause a deadlock nor end one.
    #expect(throws: PoolError.self) {
      try pool.reserve(request(64, cpus: 1), owner: 1, name: "a.lua", until: .after(.seconds(5)))
    }
    #expect(warm.withLock { $0.count } == 2)
    reservation.release()
  }

  // MARK: The host

  @Test("VMs of a file's own reservation take their turn to boot") func turns() throws {
    let host = HostCapacity(total: 64 << 30, available: 60 << 30, processors: 1)
    let pool = ResourcePool(.automatic, capacity: { host })
    let boot = try pool.reserve(request(256, cold: true), owner: 1, name: "a", until: .never)
    #expect(throws: PoolError.self) {
      try pool.reserve(.turn, owner: 2, name: "b", until: .after(.milliseconds(10)))
    }
    boot.bootFinished()
    try pool.reserve(.turn, owner: 2, name: "b", until: .after(.seconds(5))).release()
    boot.release()
  }

  @Test("a request for too many processors fails and names the limit") func tooManyProcessors() {
    let host = HostCapacity(total: 64 << 30, available: 60 << 30, processors: 4)
    let pool = ResourcePool(.automatic, capacity: { host })
    let error = #expect(throws: PoolError.self) {
      try pool.reserve(request(512, cpus: 200), owner: 1, name: "a", until: .never)
    }
    #expect(error?.code == .invalidUse)
    #expect(
      error?.description.hasSuffix(
        "and 200 CPUs can never fit into \(Quantity.text(bytes: host.ceiling)) of memory and 32 CPUs"
      ) == true
    )
  }

  @Test(
    "one VM boots at a time while tasks wait for processors or disks",
    arguments: [
      (HostPressure(), 4), (HostPressure(cpu: 95), 1), (HostPressure(io: 60), 1),
      (HostPressure(cpu: 50, io: 20), 4),
    ]
  )
  func pressure(pressure: HostPressure, boots: Int) {
    #expect(
      HostCapacity(total: 8 << 30, available: 8 << 30, processors: 4, pressure: pressure).boots == boots
    )
  }

  @Test(
    "the reserve is 1.5 GB, or a quarter of a small host",
    arguments: [(UInt64(64 << 30), UInt64(1_500_000_000)), (4 << 30, 1 << 30)]
  )
  func reserve(total: UInt64, reserve: UInt64) {
    #expect(HostCapacity(total: total, available: total, processors: 1).reserve == reserve)
  }
}

extension Handover<Void> {
  /// For `reserve`: fulfilled when the request waits.
  fileprivate var whenWaiting: @Sendable (PoolNotice) -> Void {
    { if case .waiting = $0 { self.fulfil(()) } }
  }
}
