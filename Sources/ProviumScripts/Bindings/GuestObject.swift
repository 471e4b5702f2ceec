import ProviumAgentClient
import ProviumArchitecture
import ProviumLua
import ProviumRuntime
import ProviumSystem

/// An object of a script that carries out operations in the guest: a VM, or a worker.
protocol GuestObject: AnyObject, SendableMetatype {
  var context: ScriptContext { get }
  var machine: Machine { get }
  /// The owner that the object's jobs name, which differs between the objects of one VM.
  var jobHolder: String { get }
  /// The worker in which its processes start; nil: the VM's main agent.
  var startingWorker: Worker? { get }
  /// Runs one operation under its time limit.
  /// - Parameters:
  ///   - what: the operation, for the terminal and for messages: `exec make check`.
  ///   - allowance: the operation's own time, added to the usual limit.
  /// - Throws: `ProviumError`.
  func perform<Value>(
    _ what: String,
    allowance: Duration,
    _ operation: (AgentConnection, Deadline) throws -> Value
  ) throws -> Value
}

extension GuestObject {
  var architecture: Architecture { machine.architecture }

  func perform<Value>(_ what: String, _ operation: (AgentConnection, Deadline) throws -> Value) throws
    -> Value
  {
    try perform(what, allowance: .zero, operation)
  }
}

/// A VM as a script holds it: `vm`.
final class VMObject: GuestObject {
  // The context owns the state that holds this object.
  unowned let context: ScriptContext
  private let own: Machine
  private var consoles: [ObjectIdentifier: ConsoleObject] = [:]
  /// The VM; in a function that checks crash points beside others, that function's copy of it.
  var machine: Machine { context.checker?.machine(for: own) ?? own }
  var jobHolder: String { "the vm" }
  var startingWorker: Worker? { nil }

  /// The one object for all calls of `vm:console()`, so that what one has read no other reads again.
  var console: ConsoleObject {
    let machine = machine
    if let known = consoles[ObjectIdentifier(machine)] { return known }
    let console = ConsoleObject(MachineConsole(of: machine), context, of: machine)
    consoles[ObjectIdentifier(machine)] = console
    return console
  }

  init(_ machine: Machine, _ context: ScriptContext) {
    own = machine
    self.context = context
  }

  func perform<Value>(
    _ what: String,
    allowance: Duration,
    _ operation: (AgentConnection, Deadline) throws -> Value
  ) throws -> Value {
    try machine.perform(what, allowance: allowance, operation)
  }
}

/// A worker as a script holds it: the methods of a VM without boot, shutdown and spawn.
final class WorkerObject: GuestObject {
  unowned let context: ScriptContext
  let machine: Machine
  let worker: Worker
  var jobHolder: String { worker.name }
  var startingWorker: Worker? { worker }

  init(_ worker: Worker, of vm: VMObject) {
    self.worker = worker
    machine = vm.machine
    context = vm.context
  }

  func perform<Value>(
    _ what: String,
    allowance: Duration,
    _ operation: (AgentConnection, Deadline) throws -> Value
  ) throws -> Value {
    try machine.perform(what, on: worker, allowance: allowance, operation)
  }
}
