package import ProviumAgentClient
import ProviumArchitecture
package import ProviumSystem
package import ProviumVM

/// The VM of a test that is written in Swift: in a scope with the same resource pool, fixtures, time limits
/// and console rules as the VMs of scripts. Belongs to one thread; other threads use the scope's control.
package final class NativeMachine {
  let scope: MachineScope
  let fixtures: FixtureService
  private var machine: Machine?
  /// Takes the scope back from the threads of a lab's VMs, which share it, when they have ended; nil: the scope has one VM.
  var takeBack: (() -> Void)?
  /// Whether this is a VM of a lab, whose scope another one owns.
  private let isMember: Bool
  private var workers: [Int32: Worker] = [:]
  /// Processes with live streams, by the pids of their shells.
  var processes: [Int32: LiveProcess] = [:]

  /// - Parameter control: of a scope with the test's name. Its time limit begins now.
  package init(_ control: ScopeControl, engine: Engine) {
    let root = engine.configuration.settings.tests.first ?? engine.configuration.root
    fixtures = engine.fixtures
    isMember = false
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

  /// A VM of a lab, which shares the scope of `owner`.
  init(_ machine: Machine, of owner: NativeMachine) {
    self.machine = machine
    fixtures = owner.fixtures
    scope = owner.scope
    isMember = true
  }

  // MARK: Life

  /// Boots a VM from a configuration, with the settings of its profile where its own are unset.
  /// - Parameters:
  ///   - networks: those that the VM has devices on.
  ///   - hostName: nil: `vm1`.
  /// - Throws: `ProviumError`; `ConfigurationError` for an unknown profile.
  package func boot(
    _ settings: MachineConfiguration,
    networks: [InterfaceRequest] = [],
    hostName: String? = nil
  ) throws {
    let project = scope.services.configuration
    let machine = scope.machines.add(profile: try project.profile(settings.profile))
    self.machine = machine
    do {
      try machine.boot(
        settings.resolvingPaths(against: project.root),
        networks: networks,
        hostName: hostName
      )
    } catch {
      if let invalid = (error as? ProviumError)?.cause as? InvalidConfiguration {
        throw ProviumError(.invalidUse, "invalid VM configuration: \(invalid)", cause: invalid)
      }
      throw blamingKernel(error)
    }
  }

  package func resume(
    fixture name: String,
    networks: [InterfaceRequest] = [],
    hostName: String? = nil
  ) throws {
    do {
      machine = try fixtures.resume(name, networks: networks, hostName: hostName, in: scope)
    } catch { throw blamingKernel(error) }
  }

  /// Shuts the guest down, and kills it if it does not end. Idempotent.
  package func shutDown() { machine?.shutDown() }

  /// Ends QEMU and releases the reservation. Idempotent. The owner of a lab ends all its VMs, after the threads that use them.
  package func end() {
    if isMember {
      machine?.kill("the test ended it", keepingReports: true)
    } else {
      leaveLab()
      scope.end()
    }
  }

  /// If a VM did not start and its kernel reported a fault, the fault is the reason, and the failure is no
  /// infrastructure error.
  func blamingKernel(_ error: any Error) -> any Error {
    let code = ProviumError.Code(error)
    guard [.startFailed, .machineLost, .timeout, .infrastructure].contains(code), let report = takeReports()
    else { return error }
    return ProviumError(
      .kernelReport,
      "\(report.message)\nand then: \(error)",
      cause: error,
      console: report.console
    )
  }

  /// Waits for the threads of a lab's VMs. Idempotent.
  func leaveLab() {
    takeBack?()
    takeBack = nil
  }

  // MARK: Operations

  /// The factor by which time limits in this VM grow.
  package var timeoutMultiplier: Double { machine?.timeoutMultiplier ?? 1 }

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
  package func spawn(_ kind: WorkerKind) throws -> Int32 {
    let worker = try present().spawn(kind)
    workers[worker.pid] = worker
    return worker.pid
  }

  /// Kills a worker. Idempotent.
  package func kill(worker pid: Int32) throws {
    guard let worker = workers.removeValue(forKey: pid) else { return }
    try present().kill(worker)
  }

  /// The VM of a lab's member; nil: all of the scope.
  var ownMachines: [Machine]? { isMember ? machine.map { [$0] } ?? [] : nil }

  func present() throws -> Machine {
    guard let machine else { throw ProviumError(.invalidUse, "the VM was not started") }
    return machine
  }

  func known(_ pid: Int32) throws -> Worker {
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

  /// Takes the kernel reports that the configuration does not allow; nil if there are none.
  /// - Parameter named: reports that an error of the test names already.
  package func takeReports(excluding named: Set<KernelReport.ID> = []) -> ProviumError? {
    var found = scope.machines.takeReports(of: ownMachines)
    found.remove(named)
    return found.isEmpty ? nil : ProviumError(.kernelReport, found.message, console: found.console)
  }

  /// Runs `body`, and completes its error: the reason of an interruption, the last operations, the console.
  package func result<Value>(of body: (NativeMachine) throws -> Value) -> Result<Value, ProviumError> {
    do { return .success(try body(self)) } catch { return .failure(completed(error)) }
  }

  private func completed(_ error: any Error) -> ProviumError {
    let known = error as? ProviumError
    // The error about a VM that was ended does not name the reason.
    let reason = scope.cancellation.reason
    let code = reason == nil ? ProviumError.Code(error) : .interrupted
    // A panic or a kernel report that the error shows is longer than the end of the console.
    let own = known?.console ?? []
    let lines = own.count > console.count ? own : console
    // The operations and the console say nothing about a mistake of the test's author.
    let isMistake = code == .invalidUse || code == .configuration
    var completed = ProviumError(
      code,
      (reason.map { "\($0): " } ?? "") + (known?.message ?? "\(error)"),
      cause: known?.cause ?? error,
      operations: isMistake ? [] : operations,
      console: isMistake ? [] : machine?.decoded(lines) ?? lines
    )
    completed.reports = known?.reports ?? []
    return completed
  }
}
