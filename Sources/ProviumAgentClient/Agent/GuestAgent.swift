package import ProviumSystem
import Synchronization

/// The agent in a guest: its main session, its workers, and what concerns the whole of it.
///
/// `session` belongs to one thread at a time; `close`, and the sessions' `interrupt`, are anybody's.
package final class GuestAgent: Sendable {
  /// The main agent's operations.
  package let session: GuestSession
  /// What the agent said of itself.
  package let ready: ReadyReply
  /// For messages: the machine's name.
  package let machine: String
  let endpoint: GuestEndpoint
  let control: ControlConnection
  /// What was asked of it and of its workers.
  package let operations: OperationLog
  private let workers = Mutex<[UInt32: GuestWorker]>([:])

  private init(
    session: GuestSession,
    ready: ReadyReply,
    machine: String,
    endpoint: GuestEndpoint,
    control: ControlConnection
  ) {
    self.session = session
    operations = session.operations
    self.ready = ready
    self.machine = machine
    self.endpoint = endpoint
    self.control = control
  }

  deinit { close() }

  /// Connects to a guest that is booting, running or being resumed, and waits for its READY.
  /// - Parameters:
  ///   - machine: how messages name it.
  ///   - buildID: of the agent that was put into the guest (`ProviumAgentImage`); nil accepts any.
  ///   - vitals: ends the wait, and every later one, as soon as the machine is dead, with the error it gives.
  /// - Throws: the machine's cause of death; `GuestError.timedOut`, `.incompatible`, `.lost`.
  package static func connect(
    to endpoint: GuestEndpoint,
    machine: String = "the guest",
    expecting buildID: [UInt8]? = nil,
    vitals: (any VitalSigns)? = nil,
    until deadline: Deadline
  ) throws -> GuestAgent {
    let control: ControlConnection
    do {
      control = try ControlConnection(endpoint, vitals: vitals, until: deadline)
    } catch {
      endpoint.abandon()
      throw error
    }
    do {
      let connector = Connector(endpoint: endpoint, control: control, vitals: vitals, machine: machine)
      let (connection, ready) = try connector.connectMain(until: deadline)
      try connector.check(ready, against: buildID)
      try connector.awaitControl(sameBootAs: ready, until: deadline)
      let architecture = try connector.architecture(of: ready)
      let session = GuestSession(
        connection,
        control: control,
        architecture: architecture,
        operations: OperationLog()
      )
      return GuestAgent(
        session: session,
        ready: ready,
        machine: machine,
        endpoint: endpoint,
        control: control
      )
    } catch {
      control.close()
      throw error
    }
  }

  /// Ends all connections. The guest itself goes on. Twice is fine; any thread, but the sessions' operations that are
  /// under way fail.
  package func close() {
    // First of all, so that nobody waits to say good-bye to a machine that no longer listens.
    control.alarm.raise()
    for worker in workers.withLock({ Array($0.values) }) { worker.session.connection.end() }
    session.connection.end()
    control.close()
  }

  /// The machine is about to be powered off: the agent acknowledges, and then its connections end.
  package func shutdown(until deadline: Deadline) throws {
    try session.perform("shutdown", []) { connection in
      let message = try Request.empty(.shutdown)
      _ = try connection.ask(message, .ready, what: "shutdown", until: deadline) { try ReadyReply($0) }
      return ((), .nothing)
    }
  }

  // MARK: snapshots

  /// Takes leave of every connection before a snapshot. No operation may be under way.
  package func quiesce(until deadline: Deadline) throws {
    for worker in workers.withLock({ $0.values.sorted { $0.number < $1.number } })
    where worker.session.isUsable {
      try worker.session.quiesce(until: deadline)
    }
    try session.quiesce(until: deadline)
    try askControl(try Request.empty(.quiesce), "quiesce", until: deadline)
  }

  /// Makes a guest that has been resumed one of its own: sets its clock, reseeds its random numbers.
  /// - Parameters:
  ///   - realtime: nanoseconds since 1970; 0 leaves the clock.
  ///   - seed: `WireLimit.seedSize` fresh random bytes.
  @discardableResult
  package func resume(realtime: UInt64, seed: [UInt8], until deadline: Deadline) throws -> ResumedReply {
    let nonce = Random.bytes(WireLimit.nonceSize)
    return try session.perform("resume", []) { connection in
      let message = try Request.resume(nonce: nonce, realtimeNanoseconds: realtime, seed: seed)
      let reply = try connection.ask(message, .resumed, what: "resume", until: deadline) { payload in
        let reply = try ResumedReply(payload)
        // An answer to somebody else's question.
        guard reply.nonce == nonce else { throw GuestConnection.UnexpectedReply() }
        return reply
      }
      return (reply, .nothing)
    }
  }

  // MARK: workers

  /// Starts a worker and connects to it.
  package func spawnWorker(_ kind: WorkerKind, until deadline: Deadline) throws -> GuestWorker {
    let started = try session.perform("spawn", [.word("\(kind)")]) { connection in
      let message = try Request.spawnWorker(kind)
      control.forgetEarlierWorkers()
      let started = try connection.ask(message, .workerStarted, what: "spawn", until: deadline) {
        try WorkerStartedReply($0)
      }
      return (started, .word("worker \(started.number) (pid \(started.pid))"))
    }
    return try attachWorker(started.number, pid: started.pid, kind: kind, until: deadline)
  }

  /// Connects to a worker that runs already: after a resume, with the numbers that `state` gives.
  package func attachWorker(
    _ number: UInt32,
    pid: Int32,
    kind: WorkerKind,
    until deadline: Deadline
  ) throws -> GuestWorker {
    guard (1...UInt32(WireLimit.workers)).contains(number) else {
      throw InvalidArgument("worker", "\(number) is out of range; workers are 1...\(WireLimit.workers)")
    }
    let connector = Connector(endpoint: endpoint, control: control, vitals: control.vitals, machine: machine)
    let connection = try connector.connectWorker(number, pid: pid, until: deadline)
    let session = GuestSession(
      connection,
      control: control,
      architecture: self.session.architecture,
      operations: operations
    )
    let worker = GuestWorker(number: number, kind: kind, session: session)
    workers.withLock { $0[number] = worker }
    return worker
  }

  /// Kills a worker and waits until it is gone. One that is gone already is fine. Any thread.
  package func kill(_ worker: GuestWorker, until deadline: Deadline) throws {
    defer {
      worker.session.connection.end()
      workers.withLock { if $0[worker.number] === worker { $0[worker.number] = nil } }
    }
    if worker.session.connection.life?.departure != nil { return }
    do {
      try askControl(
        try Request.killWorker(worker.number, pid: worker.pid),
        "kill \(worker.session.name)",
        until: deadline
      )
    } catch GuestError.refused(let errno, _) where errno.number == 3 /* ESRCH */ {}
  }

  func askControl(_ message: EncodedMessage, _ what: String, until deadline: Deadline) throws {
    let reply: (code: MessageCode, payload: [UInt8])
    do {
      reply = try control.request(message, until: deadline)
    } catch TransportFailure.deadline {
      throw GuestError.timedOut("\(what): the agent's control process does not answer")
    } catch TransportFailure.died(let cause) {
      throw cause
    } catch is TransportFailure {
      throw GuestError.lost(.control, "\(what): the connection to the agent's control process has ended")
    }
    if reply.code == .error, let error = try? reply.payload.withUnsafeBytes({ try ErrorReply($0) }) {
      throw GuestError.refused(
        Errno(error.errno),
        message: "\(what): \(error.message) (\(Errno(error.errno).name))"
      )
    }
  }
}

/// Another serving process in the guest: forked from the agent, or sharing its memory.
package final class GuestWorker: Sendable {
  /// 1...32; free again once it is gone.
  package let number: UInt32
  package let kind: WorkerKind
  package let session: GuestSession

  /// Its kernel thread's id.
  package var pid: Int32 { session.pid }

  init(number: UInt32, kind: WorkerKind, session: GuestSession) {
    self.number = number
    self.kind = kind
    self.session = session
  }
}
