import ProviumArchitecture
import ProviumSystem
import Testing

@testable import ProviumAgentClient

struct WorkerCase: Sendable, CustomTestStringConvertible {
  let link: LinkKind
  let kind: WorkerKind
  static let all = LinkKind.allCases.flatMap { link in
    WorkerKind.allCases.map { WorkerCase(link: link, kind: $0) }
  }
  /// Workers that are processes of their own.
  static let processes = all.filter { $0.kind != .thread }
  var testDescription: String { "\(kind) over \(link)" }
}

@Suite("A worker", .timeLimit(.minutes(15))) struct WorkerTests {
  @Test("has a kernel thread of its own and works like the agent", arguments: WorkerCase.all)
  func works(_ kind: WorkerCase) throws {
    let guest = try RealAgent(kind.link)
    let worker = try guest.agent.spawnWorker(kind.kind, until: .soon)
    #expect(try worker.connection.call("gettid").value == Int64(worker.pid))
    #expect(worker.pid != guest.connection.pid)
    #expect(try worker.connection.exec("echo hi", until: .soon).standardOutput.text == "hi\n")
    let data = [UInt8].pattern(9 << 20)
    #expect(try worker.connection.echo(data, until: .soon) == data)
    let state = try guest.connection.state(until: .soon)
    #expect(state.workers == [.init(number: worker.number, pid: worker.pid, kind: kind.kind)])
    try guest.agent.kill(worker, until: .soon)
    #expect(try guest.connection.state(until: .soon).workers.isEmpty)
    #expect(throws: GuestError.self) { try worker.connection.echo([1], until: .soon) }
  }

  @Test("a worker that dies is missed at once, with its pid and the signal", arguments: WorkerCase.processes)
  func dies(_ kind: WorkerCase) throws {
    let guest = try RealAgent(kind.link)
    let worker = try guest.agent.spawnWorker(kind.kind, until: .soon)
    let begin = Deadline.now
    let error = #expect(throws: GuestError.self) {
      _ = try worker.connection.call("kill", Int64(worker.pid), 11)
      _ = try worker.connection.echo([1], until: .soon)
    }
    #expect(
      error?.description.hasSuffix("worker \(worker.number) (pid \(worker.pid)) was killed by SIGSEGV")
        == true
    )
    #expect(Deadline.elapsed(since: begin) < .seconds(5))
    #expect(try guest.connection.echo([1], until: .soon) == [1])
    try guest.agent.kill(worker, until: .soon)
  }

  @Test("is not killed by a handle of one that had its number before", arguments: WorkerCase.all)
  func staleHandle(_ kind: WorkerCase) throws {
    let guest = try RealAgent(kind.link)
    let old = try guest.agent.spawnWorker(kind.kind, until: .soon)
    #expect(throws: GuestError.self) { try old.connection.call("exit", 0) }
    let new = try guest.agent.spawnWorker(kind.kind, until: .soon)
    #expect(new.number == old.number)
    // More ends than the control process keeps.
    for _ in 0..<ProcessEnd.kept + 2 {
      try guest.agent.kill(try guest.agent.spawnWorker(kind.kind, until: .soon), until: .soon)
    }
    try guest.agent.kill(old, until: .soon)
    #expect(try new.connection.call("gettid").value == Int64(new.pid))
  }

  @Test("enters the machine's one record of operations under its number", arguments: LinkKind.allCases)
  func trace(_ link: LinkKind) throws {
    let guest = try RealAgent(link)
    let worker = try guest.agent.spawnWorker(.thread, until: .soon)
    _ = try worker.connection.call("getppid")
    _ = try guest.connection.call("getuid")
    let lines = guest.agent.operations.lines.map { $0.split(separator: " <")[0] }
    #expect(lines[1].hasPrefix("[worker 1] getppid() = ") && lines[2].hasPrefix("getuid() = "))
  }

  @Test("that our own interrupt ended had been replaced: the interrupt is not shown as the cause")
  func replaced() {
    let text = ExitStatus.signaled(Signal(rawValue: 62)).asPredicate
    #expect(text.contains("no longer the agent's") && !text.contains("62"))
    #expect(ExitStatus.signaled(Signal(rawValue: 63)).asPredicate == "was killed by signal 63")
  }

  @Test("a worker ends with its exit code when it calls exit_group", arguments: WorkerCase.processes)
  func exits(_ kind: WorkerCase) throws {
    let guest = try RealAgent(kind.link)
    let worker = try guest.agent.spawnWorker(kind.kind, until: .soon)
    let error = #expect(throws: GuestError.self) { try worker.connection.call("exit_group", 7) }
    #expect(error?.description.hasSuffix("(pid \(worker.pid)) ended with exit code 7") == true)
    #expect(try guest.connection.echo([1], until: .soon) == [1])
  }

  @Test("a thread worker is a thread of the agent's process", arguments: LinkKind.allCases)
  func isThread(_ link: LinkKind) throws {
    let guest = try RealAgent(link)
    let worker = try guest.agent.spawnWorker(.thread, until: .soon)
    #expect(try worker.connection.call("getpid").value == Int64(guest.connection.pid))
    let error = #expect(throws: GuestError.self) { try worker.connection.call("exit", 7) }
    #expect(error?.description.hasSuffix("(pid \(worker.pid)) ended with exit code 7") == true)
    #expect(try guest.connection.echo([1], until: .soon) == [1])
  }

  @Test("a thread worker that ends the agent says so", arguments: LinkKind.allCases)
  func threadEndsAgent(_ link: LinkKind) throws {
    let guest = try RealAgent(link)
    let worker = try guest.agent.spawnWorker(.thread, until: .soon)
    let error = #expect(throws: GuestError.self) { try worker.connection.call("exit_group", 7) }
    #expect(
      error?.description.contains("ended with exit code 7, and the agent with it") == true,
      "\(error as Any)"
    )
    let main = #expect(throws: GuestError.self) { try guest.connection.echo([1], until: .soon) }
    #expect(main?.description.contains("ended with exit code 7") == true)
  }

  @Test("is killed by another thread while it is busy", arguments: WorkerCase.all)
  func killedWhileBusy(_ kind: WorkerCase) throws {
    let guest = try RealAgent(kind.link)
    let worker = try guest.agent.spawnWorker(kind.kind, until: .soon)
    let agent = guest.agent
    let thread = try onThread("killer") {
      // Asked through the main agent: it knows when the worker is in the middle of its call.
      while (try? agent.connection.state(until: .soon))?.busy == 0 {}
      try? agent.kill(worker, until: .soon)
    }
    #expect(throws: GuestError.self) { try worker.connection.call("pause") }
    thread.join()
  }

  @Test("is interrupted without the others noticing", arguments: WorkerCase.all) func interrupted(
    _ kind: WorkerCase
  ) throws {
    let guest = try RealAgent(kind.link)
    let worker = try guest.agent.spawnWorker(kind.kind, until: .soon)
    let error = #expect(throws: GuestError.self) {
      try worker.connection.syscall(
        SystemCall(number: try #require(SyscallName.number("pause", .x86_64))),
        until: .after(.milliseconds(100))
      )
    }
    guard case .timedOut = error else { throw error ?? GuestError.lost(.main, "no error") }
    #expect(try worker.connection.echo([1], until: .soon) == [1])
    #expect(try guest.connection.echo([2], until: .soon) == [2])
  }

  @Test("shares the port with seven others that all talk at once", arguments: WorkerCase.all)
  func many(_ kind: WorkerCase) throws {
    let guest = try RealAgent(kind.link)
    let failures = EventCounter()
    let threads = try (0..<8).map { index in
      let worker = try guest.agent.spawnWorker(kind.kind, until: .soon)
      return try onThread("worker \(index)") {
        for round in 0..<30 {
          let data = [UInt8].pattern(1 + (index * 7919 + round * 50_021) % 700_000)
          if (try? worker.connection.echo(data, until: .soon)) != data { failures.add() }
        }
      }
    }
    for _ in 0..<50 { #expect(try guest.connection.echo([1], until: .soon) == [1]) }
    for thread in threads { thread.join() }
    #expect(failures.count == 0)
  }
}

final class EventCounter: Sendable {
  private let state = Monitor(0)
  func add() { state.update { $0 += 1 } }
  var count: Int { state.read { $0 } }
}
