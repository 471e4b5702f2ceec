import Glibc
import ProviumSystem
import Testing

@testable import ProviumAgentClient

@Suite("A guest's agent", .timeLimit(.minutes(15))) struct LifeTests {
  @Test("says who it is when it is ready", arguments: LinkKind.allCases) func ready(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    #expect(guest.agent.ready.protocolVersion == WireLimit.protocolVersion)
    #expect(guest.connection.architecture == .x86_64)
    #expect(guest.agent.ready.buildID.count == 16 && guest.agent.ready.bootNonce.count == 16)
  }

  @Test("resumes with a nonce, and keeps its jobs", arguments: LinkKind.allCases) func resume(
    _ kind: LinkKind
  ) throws {
    let guest = try RealAgent(kind)
    _ = try guest.connection.background("sleep 1000", until: .soon)
    try guest.agent.quiesce(until: .soon)
    let resumed = try guest.agent.resume(realtime: 0, seed: Random.bytes(WireLimit.seedSize), until: .soon)
    #expect(resumed.jobs == 1 && resumed.workers == 0)
    #expect(try guest.connection.echo([1], until: .soon) == [1])
  }

  @Test(
    "resumes while its control process is asked, and answers after an error of that",
    arguments: LinkKind.allCases
  )
  func resumeMeanwhile(_ kind: LinkKind) throws {
    struct Other: Error {}
    let guest = try RealAgent(kind)
    let seed = Random.bytes(WireLimit.seedSize)
    var answer: MessageCode?
    try guest.agent.resume(realtime: 0, seed: seed, until: .soon) {
      answer = try guest.agent.control.request(try Request.empty(.quiesce), until: .soon).code
    }
    #expect(answer == .done)
    #expect(throws: Other.self) {
      try guest.agent.resume(realtime: 0, seed: seed, until: .soon) { throw Other() }
    }
    #expect(try guest.connection.echo([1], until: .soon) == [1])
  }

  @Test("that dies is missed at once, with the signal", arguments: LinkKind.allCases) func dies(
    _ kind: LinkKind
  ) throws {
    let guest = try RealAgent(kind)
    let begin = Deadline.now
    let error = #expect(throws: GuestError.self) {
      _ = try guest.connection.call("kill", Int64(guest.connection.pid), 9)
      _ = try guest.connection.echo([1], until: .soon)
    }
    #expect(error?.description.hasSuffix("the agent of the test was killed by SIGKILL") == true)
    #expect(Deadline.elapsed(since: begin) < .seconds(3))
  }

  @Test("acknowledges a shutdown", arguments: LinkKind.allCases) func shutdown(_ kind: LinkKind) throws {
    let guest = try RealAgent(kind)
    try guest.agent.shutDown(until: .soon)
    #expect(throws: GuestError.self) { try guest.connection.echo([1], until: .soon) }
  }

  @Test("whose machine dies gives the machine's own error, at once", arguments: LinkKind.allCases)
  func machineDies(_ kind: LinkKind) throws {
    let liveness = try TestLiveness()
    let guest = try RealAgent(kind, liveness: liveness)
    let worker = try guest.agent.spawnWorker(.process, until: .soon)
    let thread = try onThread("killer") {
      _ = try? Readiness.waitReadable(-1, until: .after(.milliseconds(100)))
      liveness.die()
    }
    #expect(throws: TestLiveness.Panic.self) { try guest.connection.exec("sleep 100", until: .soon) }
    #expect(throws: TestLiveness.Panic.self) { try worker.connection.exec("sleep 100", until: .soon) }
    #expect(throws: TestLiveness.Panic.self) { try guest.connection.echo([1], until: .soon) }
    thread.join()
  }

  @Test("reads the kernel's log or is refused with a name", arguments: LinkKind.allCases) func log(
    _ kind: LinkKind
  ) throws {
    let guest = try RealAgent(kind)
    do {
      #expect(!(try guest.connection.kernelLog(until: .soon)).isEmpty)
    } catch GuestError.refused(let errno, let message) {
      #expect(errno.name == "EPERM" && message.contains("EPERM"))
    }
  }
}

/// A machine that dies when told to.
final class TestLiveness: Liveness {
  struct Panic: Error {}
  private let event: EventDescriptor
  init() throws { event = try EventDescriptor() }
  func die() { event.raise() }
  var descriptors: [Int32] { [event.raw] }
  func causeOfDeath() -> (any Error)? {
    (try? Readiness.waitReadable(event.raw, until: .after(.zero))) == true ? Panic() : nil
  }
}
