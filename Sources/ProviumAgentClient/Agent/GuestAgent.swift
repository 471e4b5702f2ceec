package import ProviumSystem
import Synchronization

/// The agent in a guest: the connections to its main process, its workers and its control process.
///
/// One thread at a time uses `connection`. `close` and `AgentConnection.interrupt` are thread-safe.
package final class GuestAgent: Sendable {
  /// The connection to the main agent.
  package let connection: AgentConnection
  /// The READY of the main agent.
  package let ready: ReadyReply
  /// The VM's name, for messages.
  package let machine: String
  let endpoint: GuestEndpoint
  let control: ControlConnection
  /// The trace of the operations of the agent and its workers.
  package let operations: OperationLog
  private let workers = Mutex<[UInt32: GuestWorker]>([:])

  private init(
    connection: AgentConnection,
    ready: ReadyReply,
    machine: String,
    endpoint: GuestEndpoint,
    control: ControlConnection
  ) {
    self.connection = connection
    operations = connection.operations
    self.ready = ready
    self.machine = machine
    self.endpoint = endpoint
    self.control = control
  }

  deinit { close() }

  /// Connects to a guest that is booting, running or being resumed. Blocks until its READY has come.
  /// - Parameters:
  ///   - machine: the VM's name in messages.
  ///   - buildID: the build of the agent that was put into the guest (`ProviumAgentImage`); nil accepts any.
  ///   - liveness: ends this wait, and every later one, when the VM has ended, with the cause that it
  ///     returns.
  /// - Throws: the cause of the VM's end; `GuestError.timedOut`, `.incompatible`, `.lost`.
  package static func connect(
    to endpoint: GuestEndpoint,
    machine: String = "the guest",
    expecting buildID: [UInt8]? = nil,
    liveness: (any Liveness)? = nil,
    until deadline: Deadline
  ) throws -> GuestAgent {
    let control: ControlConnection
    do {
      control = try ControlConnection(endpoint, liveness: liveness, until: deadline)
    } catch {
      endpoint.abandon()
      throw error
    }
    do {
      let connector = Connector(endpoint: endpoint, control: control, liveness: liveness, machine: machine)
      let (exchange, ready) = try connector.connectMain(until: deadline)
      try connector.check(ready, against: buildID)
      try connector.awaitControl(sameBootAs: ready, until: deadline)
      let architecture = try connector.architecture(of: ready)
      let connection = AgentConnection(
        exchange,
        control: control,
        architecture: architecture,
        operations: OperationLog()
      )
      return GuestAgent(
        connection: connection,
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

  /// Ends all connections. The guest continues to run. Operations that are being carried out fail.
  /// Idempotent, thread-safe.
  package func close() {
    // First, so that no connection waits for a guest that does not listen any more.
    control.alarm.raise()
    for worker in workers.withLock({ Array($0.values) }) { worker.connection.exchange.end() }
    connection.exchange.end()
    control.close()
  }

  /// Powers the guest off. The agent acknowledges, and then all its connections end.
  package func shutDown(until deadline: Deadline) throws { try connection.shutDown(until: deadline) }

  // MARK: Snapshots

  /// Prepares every connection for its end by a snapshot. No operation may run.
  package func quiesce(until deadline: Deadline) throws {
    for worker in workers.withLock({ $0.values.sorted { $0.number < $1.number } })
    where worker.connection.isUsable {
      try worker.connection.quiesce(until: deadline)
    }
    try connection.quiesce(until: deadline)
    try askControl(try Request.empty(.quiesce), "quiesce", until: deadline)
  }

  /// Adapts a guest that was resumed from a snapshot: sets its clock and reseeds its random numbers.
  /// - Parameters:
  ///   - realtime: nanoseconds since 1970; 0 leaves the clock unchanged.
  ///   - seed: `WireLimit.seedSize` new random bytes.
  ///   - meanwhile: runs while the guest does it. Its error is thrown after the reply.
  @discardableResult
  package func resume(
    realtime: UInt64,
    seed: [UInt8],
    until deadline: Deadline,
    meanwhile: () throws -> Void = {}
  ) throws -> ResumedReply {
    try connection.resume(realtime: realtime, seed: seed, until: deadline, meanwhile: meanwhile)
  }

  // MARK: Workers

  /// Starts a worker and connects to it.
  package func spawnWorker(_ kind: WorkerKind, until deadline: Deadline) throws -> GuestWorker {
    let started = try connection.spawnWorker(kind, until: deadline)
    return try attachWorker(started.number, pid: started.pid, kind: kind, until: deadline)
  }

  /// Connects to a worker that runs already: after a resume, with the numbers of `GuestState`.
  package func attachWorker(_ number: UInt32, pid: Int32, kind: WorkerKind, until deadline: Deadline) throws
    -> GuestWorker
  {
    guard (1...UInt32(WireLimit.workers)).contains(number) else {
      throw InvalidArgument(.worker, "\(number) is out of range; workers are 1...\(WireLimit.workers)")
    }
    let connector = Connector(
      endpoint: endpoint,
      control: control,
      liveness: control.stream.liveness,
      machine: machine
    )
    let exchange = try connector.connectWorker(number, pid: pid, until: deadline)
    let connection = AgentConnection(
      exchange,
      control: control,
      architecture: self.connection.architecture,
      operations: operations
    )
    let worker = GuestWorker(number: number, kind: kind, connection: connection)
    workers.withLock { $0[number] = worker }
    return worker
  }

  /// Kills a worker and waits until it has ended. Idempotent, thread-safe.
  package func kill(_ worker: GuestWorker, until deadline: Deadline) throws {
    defer {
      worker.connection.exchange.end()
      workers.withLock { if $0[worker.number] === worker { $0[worker.number] = nil } }
    }
    if worker.connection.exchange.process?.end != nil { return }
    do {
      try askControl(
        try Request.killWorker(worker.number, pid: worker.pid),
        "kill \(worker.connection.name)",
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
