import Glibc
import ProviumSystem
import Synchronization
import Testing

@testable import ProviumRuntime

@Suite("Time limits of a scope") struct ScopeLimitsTests {
  private func limit(_ owner: String, _ length: Duration) -> TimeLimit {
    TimeLimit(of: owner, length: length, multiplier: 1, sample: { ExecutionSample() })
  }

  @Test("time in which a scope is suspended counts against none of its limits") func suspended() {
    let watch = LimitWatch()
    let limits = ScopeLimits(watch, sample: { ExecutionSample() })
    limits.push(limit("the file's", .seconds(60)))
    limits.push(limit("the sub-test's", .seconds(1)))
    var deadlines: [Deadline] = []
    limits.onChange = { deadlines.append($0) }
    limits.suspended {
      #expect(limits.deadline == .never)
      usleep(1_200_000)
      #expect(limits.reached == nil && watch.expired == nil)
      // Suspended inside of it: once is enough.
      _ = limits.suspended { usleep(1000) }
      #expect(limits.deadline == .never)
    }
    #expect(!limits.deadline.isExpired && limits.reached == nil && watch.expired == nil)
    #expect(deadlines.count == 2 && deadlines.first == .never)
    while !limits.deadline.isExpired { usleep(10_000) }
    #expect(limits.reached?.description == "the sub-test's time limit of 1.0s")
    #expect(watch.expired?.description == "the sub-test's time limit of 1.0s")
    limits.pop()
    #expect(limits.reached == nil && watch.expired == nil)
    #expect(!limits.deadline.isExpired)
  }

  @Test("a limit's message says how much was added for a busy host") func added() {
    let begin = Deadline.now
    let limit = TimeLimit(
      of: "the boot's",
      length: .milliseconds(500),
      multiplier: 2,
      sample: { ExecutionSample(waiting: [1: UInt64(Double(Deadline.now - begin) * 0.9)]) }
    )
    while !limit.deadline.isExpired { usleep(1000) }
    let seconds = Deadline.elapsed(since: begin).inSeconds
    #expect(seconds > 1.3)
    #expect(
      limit.description
        == "the boot's time limit of 1.0s (500ms × 2, the timeout multiplier), and 400ms more for a busy host,"
    )
  }

  @Test("a scope that waits for the pool reaches no limit", .serialized, arguments: [true, false])
  func poolWait(isReservation: Bool) throws {
    let scratch = "/tmp/provium-limits-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    defer { try? Files.removeTree(scratch) }
    try Files.createDirectories(scratch)
    var configuration = Configuration(root: scratch)
    configuration.settings.cache = "\(scratch)/cache"
    var options = EngineOptions()
    options.budget = .fixed(memory: 512 << 20, cpus: nil)
    let engine = try Engine(configuration: configuration, options: options, sinks: [])
    defer { engine.close() }
    let whole = PoolRequest(memory: 512 << 20, cpus: 1, isColdBoot: false)
    let held = try engine.services.pool.reserve(whole, owner: 1, name: "a.lua", until: .never)
    let waits = Handover<Void>()
    let said = Mutex("")
    let thread = try DedicatedThread(name: "scope") {
      let scope = MachineScope(
        ScopeControl(name: "b.lua", owner: 2, services: engine.services),
        fixtureSearch: FixtureSearch(folder: scratch, root: scratch)
      )
      let limit = TimeLimit(
        of: "the test's",
        length: .milliseconds(50),
        multiplier: 1,
        sample: { ExecutionSample() }
      )
      scope.limits.push(limit)
      waits.fulfil(())
      do {
        if isReservation { try scope.reserve(whole) } else { _ = try scope.context.admit(whole) }
        said.withLock { $0 = limit.deadline.isExpired ? "expired" : "in time" }
      } catch { said.withLock { $0 = "\(error)" } }
      scope.end()
    }
    waits.wait()
    usleep(400_000)
    held.release()
    thread.join()
    #expect(said.withLock { $0 } == "in time")
  }

  @Test("a scope that waits for the pool ends when it is cancelled") func cancelled() throws {
    let pool = ResourcePool(.fixed(memory: 512 << 20, cpus: nil))
    let held = try pool.reserve(
      PoolRequest(memory: 512 << 20, cpus: 1, isColdBoot: false),
      owner: 1,
      name: "a.lua",
      until: .never
    )
    let cancellation = Cancellation()
    let admission = ScopeAdmission(
      pool: pool,
      owner: 2,
      name: "b.lua",
      events: .init([]),
      cancellation: cancellation
    )
    let thread = try DedicatedThread(name: "cancel") {
      usleep(100_000)
      cancellation.request("Ctrl-C")
    }
    #expect(throws: PoolError.self) {
      _ = try admission.admit(PoolRequest(memory: 1 << 20, cpus: 1, isColdBoot: false))
    }
    thread.join()
    held.release()
  }
}
