import ProviumSystem
import Synchronization
import Testing

@testable import ProviumRuntime

@Suite("The resource pool") struct ResourcePoolTests {
  private func request(_ megabytes: UInt64, cpus: Int = 1, cold: Bool = false) -> PoolRequest {
    PoolRequest(memory: megabytes << 20, cpus: cpus, isColdBoot: cold)
  }

  @Test("says at once that a request can never fit") func neverFits() {
    let pool = ResourcePool(.fixed(memory: 512 << 20, cpus: 2))
    let error = #expect(throws: PoolError.self) {
      try pool.claim(request(1024), owner: 1, name: "a.lua", until: .never)
    }
    #expect(error?.description == "a machine of 1G and 1 CPU can never fit into 512M of memory and 2 CPUs")
  }

  @Test("never gives out more than it has, and everything comes back") func budget() throws {
    let pool = ResourcePool(.fixed(memory: 1024 << 20, cpus: 3))
    let highest = Atomic<UInt64>(0)
    let threads = try (0..<12).map { owner in
      try DedicatedThread(name: "file\(owner)") {
        for round in 1...8 {
          guard
            let claim = try? pool.claim(
              self.request(UInt64(64 * (1 + (owner + round) % 8))),
              owner: owner,
              name: "\(owner)",
              until: .never
            )
          else { return }
          highest.max(pool.inUse.memory, ordering: .relaxed)
          claim.release()
        }
      }
    }
    threads.forEach { $0.join() }
    #expect(highest.load(ordering: .relaxed) <= 1024 << 20)
    #expect(pool.inUse == (0, 0))
  }

  @Test("does not let small requests overtake a big one for ever") func noStarvation() throws {
    let pool = ResourcePool(.fixed(memory: 512 << 20, cpus: 8))
    let first = try pool.claim(request(256), owner: 1, name: "first", until: .never)
    let order = Mutex<[String]>([])
    let queued = Handover<Void>()
    let big = try DedicatedThread(name: "big") {
      let claim = try? pool.claim(
        self.request(512),
        owner: 2,
        name: "big",
        until: .never,
        tell: queued.whenWaiting
      )
      order.withLock { $0.append("big") }
      claim?.release()
    }
    queued.wait()
    let smallQueued = Handover<Void>()
    let small = try DedicatedThread(name: "small") {
      let claim = try? pool.claim(
        self.request(128),
        owner: 3,
        name: "small",
        until: .never,
        tell: smallQueued.whenWaiting
      )
      order.withLock { $0.append("small") }
      claim?.release()
    }
    smallQueued.wait()
    first.release()
    big.join()
    small.join()
    #expect(order.withLock { $0 } == ["big", "small"])
  }

  @Test("breaks a deadlock with a named error instead of hanging") func deadlock() throws {
    let pool = ResourcePool(.fixed(memory: 512 << 20, cpus: 8))
    let errors = Mutex<[String]>([])
    let served = Atomic<Int>(0)
    let both = Atomic<Int>(0)
    let threads = try (1...2).map { owner in
      try DedicatedThread(name: "file\(owner)") {
        do {
          let one = try pool.claim(self.request(256), owner: owner, name: "\(owner).lua", until: .never)
          both.add(1, ordering: .sequentiallyConsistent)
          while both.load(ordering: .sequentiallyConsistent) < 2 {}
          let two = try pool.claim(self.request(256), owner: owner, name: "\(owner).lua", until: .never)
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

  @Test("waits for memory that others on the host give back, and only then calls it a deadlock")
  func patience() throws {
    let available = Atomic<UInt64>(16 << 30)
    let pool = ResourcePool(.automatic, patience: .milliseconds(300)) {
      HostCapacity(
        total: 64 << 30,
        available: available.load(ordering: .relaxed),
        processors: 4
      )
    }
    let one = try pool.claim(request(256), owner: 1, name: "a.lua", until: .never)
    available.store(1 << 30, ordering: .relaxed)
    // Somebody else's program ends while the file waits.
    let two = try pool.claim(
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
      try pool.claim(self.request(1024), owner: 1, name: "a.lua", until: .after(.seconds(10)))
    }
    #expect(error?.description.contains("resource deadlock") == true)
    one.release()
  }

  @Test("staggers cold boots, but not resumes") func staggering() throws {
    let host = HostCapacity(total: 64 << 30, available: 60 << 30, processors: 1)
    let pool = ResourcePool(.automatic, capacity: { host })
    let boot = try pool.claim(request(256, cold: true), owner: 1, name: "a", until: .never)
    #expect(throws: PoolError.self) {
      try pool.claim(request(256, cold: true), owner: 2, name: "b", until: .after(.milliseconds(10)))
    }
    let resumed = try pool.claim(request(32), owner: 3, name: "c", until: .after(.seconds(5)))
    boot.bootFinished()
    resumed.release()
    let next = try pool.claim(request(256, cold: true), owner: 2, name: "b", until: .after(.seconds(5)))
    next.release()
    boot.release()
  }

  @Test(
    "leaves a reserve to the host, and waits while memory is under pressure",
    arguments: [
      (HostCapacity(total: 64 << 30, available: 2 << 30, processors: 8), false),
      (HostCapacity(total: 64 << 30, available: 8 << 30, processors: 8), true),
      (HostCapacity(total: 64 << 30, available: 8 << 30, processors: 8, pressure: .init(memory: 50)), false),
    ]
  )
  func automatic(host: HostCapacity, admitted: Bool) throws {
    let pool = ResourcePool(.automatic, capacity: { host })
    // The first machine of a run is always admitted, if it fits into what is there.
    let first = try pool.claim(request(128), owner: 1, name: "a", until: .never)
    let second = try? pool.claim(request(1024), owner: 2, name: "b", until: .after(.milliseconds(20)))
    #expect((second != nil) == admitted)
    second?.release()
    first.release()
  }

  // MARK: The end of a wait

  @Test("lets nobody wait on who was interrupted") func interrupted() throws {
    let pool = ResourcePool(.fixed(memory: 256 << 20, cpus: 2))
    let first = try pool.claim(request(256), owner: 1, name: "a.lua", until: .never)
    let isCancelled = Atomic<Bool>(false)
    let queued = Handover<Void>()
    let said = Mutex<String>("")
    let second = try DedicatedThread(name: "second") {
      do {
        _ = try pool.claim(
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
    // Its request has gone with it.
    try pool.claim(request(256), owner: 3, name: "c.lua", until: .after(.seconds(5))).release()
  }

  @Test("sees a deadlock by way of a fixture, and names it") func deadlockByFixture() throws {
    let pool = ResourcePool(.fixed(memory: 512 << 20, cpus: 8))
    let held = try pool.claim(request(256), owner: 1, name: "a.lua", until: .never)
    pool.noteWait(of: 1, for: 2, what: "the fixture big, which b.lua builds")
    let error = #expect(throws: PoolError.self) {
      try pool.claim(request(384), owner: 2, name: "b.lua", until: .after(.seconds(10)))
    }
    let text = error?.description ?? ""
    #expect(
      text.hasPrefix(
        "resource deadlock: b.lua waits for 384M and 1 CPU, and nothing of the 256M that are out"
      )
    )
    #expect(text.contains("a.lua holds 256M and waits for the fixture big, which b.lua builds"))
    pool.endWait(of: 1)
    held.release()
  }

  @Test("goes first: who is waited for by one that holds something") func inheritance() throws {
    let pool = ResourcePool(.fixed(memory: 512 << 20, cpus: 8))
    let held = try pool.claim(request(256), owner: 1, name: "a.lua", until: .never)
    let queued = Handover<Void>()
    let stranger = try DedicatedThread(name: "stranger") {
      try? pool.claim(self.request(512), owner: 3, name: "c.lua", until: .never, tell: queued.whenWaiting)
        .release()
    }
    queued.wait()
    pool.noteWait(of: 1, for: 2, what: "a fixture")
    // Behind the stranger, who waits for what a.lua gives back only after this.
    let claim = try pool.claim(request(256), owner: 2, name: "b.lua", until: .after(.seconds(10)))
    claim.release()
    pool.endWait(of: 1)
    held.release()
    stranger.join()
  }

  @Test("serves the second of two holders when the first can only wait for it") func noFalseOrder() throws {
    let pool = ResourcePool(.fixed(memory: 1024 << 20, cpus: 8))
    let one = try pool.claim(request(400), owner: 1, name: "a.lua", until: .never)
    let two = try pool.claim(request(400), owner: 2, name: "b.lua", until: .never)
    let queued = Handover<Void>()
    let first = try DedicatedThread(name: "first") {
      try? pool.claim(self.request(500), owner: 1, name: "a.lua", until: .never, tell: queued.whenWaiting)
        .release()
      one.release()
    }
    queued.wait()
    let more = try pool.claim(request(100), owner: 2, name: "b.lua", until: .after(.seconds(10)))
    more.release()
    two.release()
    first.join()
  }

  // MARK: What machines cost

  @Test("lets a machine grow past the budget, and nobody else in until there is room") func growth() throws {
    let pool = ResourcePool(.fixed(memory: 256 << 20, cpus: 8))
    let notices = Mutex<[String]>([])
    let grown = try pool.claim(
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
      try pool.claim(request(64), owner: 2, name: "b.lua", until: .after(.milliseconds(20)))
    }
    grown.release()
    try pool.claim(request(256), owner: 2, name: "b.lua", until: .after(.seconds(5))).release()
    #expect(
      notices.withLock { $0 } == [
        "granted(claim: 1, ", "grown(claim: 1, memory: 335544320)", "released(claim: 1)",
      ]
    )
  }

  @Test("charges a file's machines to its own claim first, and names what is missing of it")
  func reservation() throws {
    let pool = ResourcePool(.fixed(memory: 1024 << 20, cpus: 8))
    let reservation = Reservation(try pool.claim(request(300), owner: 1, name: "a.lua", until: .never))
    #expect(reservation.take(request(64)) == nil)
    #expect(reservation.take(request(64)) == "1 CPU")
    #expect(reservation.take(request(264)) == "28M of memory and 1 CPU")
    var machine: MachineClaim? = MachineClaim(request(64), from: reservation, turn: nil)
    machine?.charge(65 << 20)
    #expect(pool.inUse.memory == 300 << 20)
    machine?.charge(310 << 20)
    #expect(pool.inUse.memory == 320 << 20)
    machine = nil
    #expect(reservation.take(request(320)) == nil)
  }

  @Test("makes spares give way to whatever is asked for, and none while somebody waits") func spares() throws
  {
    let pool = ResourcePool(.fixed(memory: 256 << 20, cpus: 2))
    let spares = Mutex<[PoolClaim]>([])
    pool.onNeed { spares.withLock { $0.popLast() } != nil }
    for _ in 1...4 {
      let made = pool.claimSpare(request(64, cpus: 0), name: "a spare", tell: { _ in })
      let spare = try #require(made)
      spares.withLock { $0.append(spare) }
    }
    #expect(pool.claimSpare(request(64, cpus: 0), name: "a spare", tell: { _ in }) == nil)
    let claim = try pool.claim(request(128, cpus: 2), owner: 1, name: "a.lua", until: .after(.seconds(5)))
    #expect(spares.withLock { $0.count } == 2)
    // Spares are no reason for a deadlock, and do not end one.
    #expect(throws: PoolError.self) {
      try pool.claim(request(64, cpus: 1), owner: 1, name: "a.lua", until: .after(.seconds(5)))
    }
    #expect(spares.withLock { $0.count } == 2)
    claim.release()
  }

  // MARK: The host

  @Test("takes boots of claimed machines in turn, too") func turns() throws {
    let host = HostCapacity(total: 64 << 30, available: 60 << 30, processors: 1)
    let pool = ResourcePool(.automatic, capacity: { host })
    let boot = try pool.claim(request(256, cold: true), owner: 1, name: "a", until: .never)
    #expect(throws: PoolError.self) {
      try pool.claim(.turn, owner: 2, name: "b", until: .after(.milliseconds(10)))
    }
    boot.bootFinished()
    try pool.claim(.turn, owner: 2, name: "b", until: .after(.seconds(5))).release()
    boot.release()
  }

  @Test("refuses more processors than make sense, and says how many do") func tooManyProcessors() {
    let host = HostCapacity(total: 64 << 30, available: 60 << 30, processors: 4)
    let pool = ResourcePool(.automatic, capacity: { host })
    let error = #expect(throws: PoolError.self) {
      try pool.claim(request(512, cpus: 200), owner: 1, name: "a", until: .never)
    }
    #expect(error?.isUsers == true)
    #expect(
      error?.description.hasSuffix(
        "and 200 CPUs can never fit into \(Quantity.text(bytes: host.ceiling)) of memory and 32 CPUs"
      ) == true
    )
  }

  @Test(
    "boots one machine after the other while everything waits for processors or disks",
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
    "leaves 1.5 GB to the host, or a quarter of a small one",
    arguments: [(UInt64(64 << 30), UInt64(1_500_000_000)), (4 << 30, 1 << 30)]
  )
  func reserve(total: UInt64, reserve: UInt64) {
    #expect(HostCapacity(total: total, available: total, processors: 1).reserve == reserve)
  }
}

extension Handover<Void> {
  /// For `claim`: the request waits.
  fileprivate var whenWaiting: @Sendable (PoolNotice) -> Void {
    { if case .waiting = $0 { self.fulfil(()) } }
  }
}
