package import ProviumEvents
import ProviumSystem
import ProviumVM

/// The parts of a scope that its VMs use. Belongs to the scope's thread.
package final class MachineContext {
  /// The name of the file or test, as events carry it.
  package let name: String
  package let services: EngineServices
  package let events: EventStream
  package let limits: ScopeLimits
  package let cancellation: Cancellation
  let admission: ScopeAdmission
  let processes: RunningProcesses
  /// Where the VMs of a fixture keep their memory and disks while the fixture is built; nil in every other scope.
  let workFolder: String?
  /// The scope's networks.
  package let networks = NetworkSet()
  /// VMs write their memory to files, so that each sub-test can start from a snapshot.
  package var isFresh = false
  /// The functions that run side by side in the scope now; nil: there are none, and one thread.
  package private(set) var branches: Branches?
  /// Leaves what a branch has in the script's interpreter, with the turn. Returns a function that enters it again.
  private(set) var leaveBranch: () -> () -> Void = { {} }

  /// The one VM that the present branch may use; nil: all VMs of the scope.
  package var onlyMachine: ObjectIdentifier?
  /// How often a branch tried to use another VM than its own.
  package internal(set) var foreignUses = 0

  init(
    name: String,
    services: EngineServices,
    events: EventStream,
    limits: ScopeLimits,
    cancellation: Cancellation,
    admission: ScopeAdmission,
    processes: RunningProcesses,
    workFolder: String?
  ) {
    self.name = name
    self.services = services
    self.events = events
    self.limits = limits
    self.cancellation = cancellation
    self.admission = admission
    self.processes = processes
    self.workFolder = workFolder
  }

  /// Reports what the scope does now: on the terminal, and in the message of a time limit.
  package func activity(_ text: String) { events.send(.activity(file: name, text: text)) }

  /// Blocks for `duration`, but not past the scope's deadline or a request to stop.
  package func sleep(_ duration: Duration) {
    let deadline = Deadline.earliest(.after(duration), limits.deadline)
    waiting { cancellation.wait(until: deadline) }
  }

  /// Runs `body`, which starts `branches` and waits for them.
  /// - Parameter leave: called with the turn by a thread that will give it up. Returns a function that the thread calls
  ///   when it has the turn again.
  package func running<Result>(
    _ branches: Branches,
    leave: @escaping () -> () -> Void,
    _ body: () throws -> Result
  ) rethrows -> Result {
    begin(branches, leave: leave)
    defer { endBranches() }
    return try body()
  }

  /// Lets `branches` use the scope until `endBranches`.
  func begin(_ branches: Branches, leave: @escaping () -> () -> Void = { {} }) {
    self.branches = branches
    leaveBranch = leave
    limits.end = branches.deadline
  }

  /// Makes the scope belong to one thread again. The branches have ended.
  func endBranches() {
    branches = nil
    leaveBranch = { {} }
    limits.end = .never
  }

  /// Blocks until the resource pool admits a VM. That time counts against no time limit.
  func admit(_ request: PoolRequest) throws -> MachineReservation {
    activity("waiting for \(Quantity.text(bytes: request.memory)) of the resource pool")
    // The boots of other branches end meanwhile, for which the pool may wait.
    return try limits.suspended { try waiting { try admission.admit(request) } }
  }

  /// Why the VMs' memory has no room; nil if it has. The builder of a fixture looks at its own folder itself.
  var shortage: String? { workFolder == nil ? DiskShortage.hint(in: services.run.path) : nil }

  /// Keeps a VM's console in the run's directory, for the case that the file fails.
  func keepConsole(of machine: VirtualMachine, as number: Int) {
    let path = MachineFiles.console(of: number, in: services.run.path)
    try? Files.createDirectories(Files.parent(of: path), mode: 0o700)
    try? Files.rename(machine.console.path, to: path)
  }
}
