package import ProviumAgentClient
package import ProviumSystem
import ProviumVM

/// Operations on the VM's workers.
extension Machine {
  /// Starts a worker: a forked process, a thread of the agent, or a process that shares the agent's memory.
  /// - Parameter timeOffset: how far the worker's monotonic clocks are ahead of the guest's, by a time namespace; nil: the
  ///   worker has the guest's clocks. A process only.
  package func spawn(_ kind: WorkerKind, timeOffset: Duration? = nil) throws -> Worker {
    let machine = try usable()
    let guest = try guarded("spawn", on: machine, allowance: .zero) {
      try machine.agent.spawnWorker(kind, until: $0)
    }
    let worker = Worker(guest, in: lineage.epoch)
    add(worker)
    if let timeOffset {
      do { try enterTimeNamespace(worker, offset: timeOffset) } catch {
        try? kill(worker)
        throw error
      }
    }
    return worker
  }

  /// Runs one operation of a worker.
  package func perform<Value>(
    _ what: String,
    on worker: Worker,
    allowance: Duration,
    _ operation: (AgentConnection, Deadline) throws -> Value
  ) throws -> Value {
    let machine = try usable()
    guard owns(worker) else {
      throw ProviumError(.invalidUse, "\(worker.name) belonged to an earlier boot of the machine")
    }
    switch worker.connection {
    case .absent(let reason): throw reason
    case .attached(let guest):
      return try guarded("\(worker.name): \(what)", on: machine, allowance: allowance) {
        do {
          return try operation(guest.connection, $0)
        } catch GuestError.unresponsive(let message) {
          throw Self.end(guest, of: machine, because: message)
        }
      }
    }
  }

  /// Kills a worker. Idempotent; does nothing for a worker of an earlier boot.
  package func kill(_ worker: Worker) throws {
    guard case .attached(let guest) = worker.connection, owns(worker), let machine = try? usable() else {
      return
    }
    worker.markKilled()
    try guarded("kill \(worker.name)", on: machine, allowance: .zero) {
      try machine.agent.kill(guest, until: $0)
    }
  }

  /// Connects to the workers again that run in a VM that was resumed.
  func attachWorkers() throws {
    let machine = try usable()
    let present = workers.filter(owns)
    guard !present.isEmpty else { return }
    var running = try guarded("looking for workers", on: machine, allowance: .zero) {
      try machine.connection.state(until: $0).workers
    }
    // If a number and a pid were used twice, they are the later worker's.
    for worker in present.reversed() {
      worker.attach(to: machine.agent, among: &running, until: .after(.seconds(10)))
    }
  }

  /// Whether the worker was spawned in a state that the present one continues.
  private func owns(_ worker: Worker) -> Bool { lineage.contains(worker.epoch) }

  /// Kills a worker whose operation could not be interrupted. The VM is lost only if the worker cannot be killed.
  private static func end(_ worker: GuestWorker, of machine: VirtualMachine, because message: String)
    -> GuestError
  {
    do {
      try machine.agent.kill(worker, until: .after(killPatience))
      return .lost(.worker(worker.number), "\(message): the worker was killed")
    } catch {
      return .unresponsive("\(message), nor killed")
    }
  }

  private static let killPatience = Duration.seconds(2)
}
