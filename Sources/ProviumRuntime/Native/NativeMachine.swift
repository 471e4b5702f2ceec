import ProviumArchitecture
package import ProviumAgentClient
package import ProviumVM
package import ProviumSystem

/// A machine of a test that is written in Swift: the same session, pool, fixtures, deadlines and console rules that a
/// script's machines have, without a script.
///
/// Everything blocks and belongs to one thread, but `interrupt`.
package final class NativeMachine: @unchecked Sendable {
  // Sendable for `interrupt` alone; all else is the owning thread's.
  private let session: FileSession
  private var machine: ScriptMachine?
  private var workers: [Int32: ScriptWorker] = [:]

  /// - Parameters:
  ///   - name: of the test, for whoever waits and for messages.
  ///   - owner: a number that no other file or test of the process has.
  package init(name: String, owner: Int, engine: Engine) {
    let root = engine.configuration.settings.tests.first ?? engine.configuration.root
    session = FileSession(
      file: TestFile(name: name, path: "\(root)/_", root: root),
      owner: owner,
      engine: engine,
      filter: .all,
      timeout: engine.configuration.settings.timeout
    )
    let limit = TimeLimit(of: "the machine's", length: session.fileTimeout, scale: engine.timeScale)
    session.limits.append(limit)
    session.outerDeadline = limit.deadline
  }

  // MARK: Life

  /// Boots a VM from a configuration, with the settings of its profile.
  /// - Throws: `InvalidConfiguration` for a value that no VM can have.
  package func boot(_ settings: MachineConfiguration) throws {
    let project = session.engine.configuration
    let configuration = settings.resolvingPaths(against: project.root)
    try configuration.validate()
    let machine = session.machines.add(profile: try project.profile(settings.profile), session: session)
    self.machine = machine
    try machine.boot(configuration)
  }

  package func resume(fixture name: String) throws { machine = try session.resumeFixture(name) }

  package func shutDown() { machine?.shutDown() }

  /// Ends QEMU and gives everything back. Twice is fine.
  package func end() { session.machines.endAll() }

  /// Ends what goes on. Any thread.
  package func interrupt(_ reason: String) { session.interrupt(reason) }

  /// Why it was interrupted; nil: it was not.
  package var interruption: String? { session.interruption }

  package var isRunning: Bool { machine?.state == .booted }

  // MARK: Operations

  /// Runs one operation of the main agent, or of the worker with that pid.
  package func perform<Value>(
    _ what: String,
    allowance: Duration = .zero,
    worker: Int32? = nil,
    _ operation: (GuestSession, Deadline) throws -> Value
  ) throws -> Value {
    if let worker {
      return try known(worker).perform(what, allowance: allowance, operation)
    }
    guard let machine else { throw HarnessFault("there is no machine") }
    return try machine.perform(what, allowance: allowance, operation)
  }

  /// Starts a worker; its pid names it from then on.
  package func spawn(thread: Bool) throws -> Int32 {
    guard let machine else { throw HarnessFault("there is no machine") }
    let worker = try machine.spawn(thread: thread)
    workers[worker.pid] = worker
    return worker.pid
  }

  package func kill(worker pid: Int32) throws {
    try known(pid).kill()
    workers[pid] = nil
  }

  private func known(_ pid: Int32) throws -> ScriptWorker {
    guard let worker = workers[pid] else { throw HarnessFault("the worker with pid \(pid) was killed") }
    return worker
  }

  /// The number of a system call of that name, for this guest.
  package func number(ofSystemCall name: String) throws -> UInt32 {
    let architecture = machine?.architecture ?? .x86_64
    if let number = SyscallName.number(name, architecture) { return number }
    throw InvalidArgument(
      "name",
      "there is no system call '\(name)' on \(architecture.name)"
        + NearestName.hint(for: name, among: SyscallName.all(architecture))
    )
  }

  // MARK: What failures show

  package var operations: [String] { machine?.traceLines ?? [] }
  package var console: [String] { machine?.consoleTail ?? [] }

  /// The first kernel report on the console (panic, oops, WARNING …) that the configuration does not allow.
  package func takeUnseenReport() -> String? {
    let found = session.machines.takeReports(allowed: session.engine.configuration.settings.allowedSplats)
    return found.isEmpty ? nil : found.message
  }
}
