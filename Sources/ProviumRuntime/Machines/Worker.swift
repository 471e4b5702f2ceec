import ProviumAgentClient
import ProviumSystem

/// A worker of a VM: another agent process or thread, with its own credentials and descriptors.
///
/// The handle stays the same when its VM returns to a state in which the worker runs. In a state that knows nothing of the
/// worker, its operations fail.
package final class Worker {
  enum Connection {
    case attached(GuestWorker)
    case absent(ProviumError)
  }
  private(set) var connection: Connection
  /// The epoch in which it was spawned.
  let epoch: Int
  private let number: UInt32
  private let kind: WorkerKind
  package let pid: Int32
  /// For messages: `worker 3 (pid 57)`.
  package let name: String

  init(_ worker: GuestWorker, in epoch: Int) {
    connection = .attached(worker)
    self.epoch = epoch
    number = worker.number
    kind = worker.kind
    pid = worker.pid
    name = worker.session.name
  }

  /// Marks the worker as gone with its VM.
  func detach() {
    if case .attached = connection {
      connection = .absent(ProviumError(.machineLost, "\(name) is gone with its machine"))
    }
  }

  /// Marks the worker as killed.
  func markKilled() { connection = .absent(ProviumError(.invalidUse, "\(name) was killed")) }

  /// Connects to the worker again after its VM was saved and resumed, if the worker runs there.
  /// - Parameter running: the workers of the VM that no handle has connected to yet.
  func attach(to agent: GuestAgent, among running: inout [GuestState.Worker], until deadline: Deadline) {
    guard let index = running.firstIndex(where: { $0.number == number && $0.pid == pid }) else {
      connection = .absent(ProviumError(.invalidUse, "\(name) had ended before the snapshot was taken"))
      return
    }
    running.remove(at: index)
    do {
      connection = .attached(
        try agent.attachWorker(number, pid: pid, kind: kind, until: deadline)
      )
    } catch {
      connection = .absent(ProviumError(.machineLost, "\(error)", cause: error))
    }
  }
}
