package import ProviumAgentClient
import ProviumArchitecture
package import ProviumSystem
package import ProviumVM

/// The VM of a test that is written in Swift: in a scope with the same resource pool, fixtures, time limits and console
/// rules as the VMs of scripts. Belongs to one thread; other threads use the scope's control.
package final class NativeMachine {
  private let scope: MachineScope
  private let fixtures: FixtureService
  private var machine: Machine?
  private var workers: [Int32: Worker] = [:]

  /// - Parameter control: of a scope with the test's name. Its time limit begins now.
  package init(_ control: ScopeControl, engine: Engine) {
    let root = engine.configuration.settings.tests.first ?? engine.configuration.root
    fixtures = engine.fixtures
    scope = MachineScope(control, fixtureSearch: FixtureSearch(folder: root, root: root))
    scope.limits.push(
      TimeLimit(
        of: "the machine's",
        length: control.timeout,
        multiplier: engine.timeoutMultiplier,
        sample: scope.limits.sample
      )
    )
  }

  // MARK: Life

  /// Boots a VM from a configuration, with the settings of its profile where its own are unset.
  /// - Throws: `InvalidConfiguration` for a value that no VM can have.
  package func boot(_ settings: MachineConfiguration) throws {
    let project = scope.services.configuration
    let machine = scope.machines.add(profile: try project.profile(settings.profile))
    self.machine = machine
    try machine.boot(settings.resolvingPaths(against: project.root))
  }

  package func resume(fixture name: String) throws { machine = try fixtures.resume(name, in: scope) }

  package func shutDown() { machine?.shutDown() }

  /// Ends QEMU and gives everything back. Idempotent.
  package func end() { scope.end() }

  package var isRunning: Bool { machine?.state == .booted }

  // MARK: Operations

  /// Runs one operation of the main agent, or of the worker with that pid.
  package func perform<Value>(
    _ what: String,
    allowance: Duration = .zero,
    worker: Int32? = nil,
    _ operation: (AgentConnection, Deadline) throws -> Value
  ) throws -> Value {
    let machine = try present()
    if let worker {
      return try machine.perform(what, on: try known(worker), allowance: allowance, operation)
    }
    return try machine.perform(what, allowance: allowance, operation)
  }

  /// Starts a worker and returns its pid, by which the other functions know it.
  package func spawn(thread: Bool) throws -> Int32 {
    let worker = try present().spawn(thread ? .thread : .process)
    workers[worker.pid] = worker
    return worker.pid
  }

  package func kill(worker pid: Int32) throws {
    try present().kill(try known(pid))
    workers[pid] = nil
  }

  private func present() throws -> Machine {
    guard let machine else {
      throw ProviumError(.invalidUse, "there is no machine: boot or resume one first")
    }
    return machine
  }

  private func known(_ pid: Int32) throws -> Worker {
    guard let worker = workers[pid] else {
      throw ProviumError(.invalidUse, "the worker with pid \(pid) was killed")
    }
    return worker
  }

  /// The number of the system call of that name, on the guest's architecture.
  package func number(ofSystemCall name: String) throws -> UInt32 {
    let architecture = machine?.architecture ?? .x86_64
    if let number = SyscallName.number(name, architecture) { return number }
    throw ProviumError(
      .invalidUse,
      "there is no system call '\(name)' on \(architecture.name)"
        + NearestName.hint(for: name, among: SyscallName.all(architecture))
    )
  }

  // MARK: What failures show

  package var operations: [String] { machine?.traceLines ?? [] }
  package var console: [String] { machine?.consoleTail ?? [] }

  /// Takes the kernel reports on the console that the configuration does not allow, one line each; nil without any.
  package func takeReports() -> String? {
    let found = scope.machines.takeReports()
    return found.isEmpty ? nil : found.message
  }

  /// Runs `body` and completes its error: the reason of an interruption, the last operations, the console.
  package func completingErrors<Value>(_ body: (NativeMachine) throws -> Value) throws -> Value {
    do { return try body(self) } catch {
      let known = error as? ProviumError
      // The error about a VM that was ended does not name the reason.
      let reason = scope.cancellation.reason
      throw ProviumError(
        reason == nil ? ProviumError.Code(error) : .interrupted,
        (reason.map { "\($0): " } ?? "") + (known?.message ?? "\(error)"),
        cause: known?.cause ?? error,
        operations: operations,
        console: console
      )
    }
  }
}
