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
      let claim = try? pool.claim(self.request(512), owner: 2, name: "big", until: .never) {
        queued.fulfil(())
      }
      order.withLock { $0.append("big") }
      claim?.release()
    }
    queued.wait()
    let smallQueued = Handover<Void>()
    let small = try DedicatedThread(name: "small") {
      let claim = try? pool.claim(self.request(128), owner: 3, name: "small", until: .never) {
        smallQueued.fulfil(())
      }
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
        processors: 4,
        memoryPressure: 0
      )
    }
    let one = try pool.claim(request(256), owner: 1, name: "a.lua", until: .never)
    available.store(1 << 30, ordering: .relaxed)
    // Somebody else's program ends while the file waits.
    let two = try pool.claim(request(1024), owner: 1, name: "a.lua", until: .after(.seconds(10))) {
      available.store(16 << 30, ordering: .relaxed)
    }
    two.release()
    available.store(1 << 30, ordering: .relaxed)
    let error = #expect(throws: PoolError.self) {
      try pool.claim(self.request(1024), owner: 1, name: "a.lua", until: .after(.seconds(10)))
    }
    #expect(error?.description.contains("resource deadlock") == true)
    one.release()
  }

  @Test("staggers cold boots, but not resumes") func staggering() throws {
    let host = HostCapacity(total: 64 << 30, available: 60 << 30, processors: 1, memoryPressure: 0)
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
      (HostCapacity(total: 64 << 30, available: 2 << 30, processors: 8, memoryPressure: 0), false),
      (HostCapacity(total: 64 << 30, available: 8 << 30, processors: 8, memoryPressure: 0), true),
      (HostCapacity(total: 64 << 30, available: 8 << 30, processors: 8, memoryPressure: 50), false),
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
}
