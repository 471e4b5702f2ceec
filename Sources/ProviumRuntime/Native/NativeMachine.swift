import ProviumArchitecture
package import ProviumAgentClient
import ProviumBoot
import ProviumVM
package import ProviumSystem

/// How a machine is booted from Swift: what `vm:boot{…}` takes.
package struct NativeBoot: Sendable {
  package var profile = Profile.builtIn.name
  /// Bytes, whole megabytes, at least 64.
  package var memory: UInt64 = 512 << 20
  package var cpus = 1
  /// More kernel command line.
  package var append = ""
  /// Guest path to contents and mode.
  package var files: [String: (contents: [UInt8], mode: UInt32)] = [:]
  package var disks: [String] = []

  package init() {}
}

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
      selection: TestSelection(),
      timeout: engine.configuration.settings.timeout
    )
    let limit = TimeLimit(of: "the machine's", length: session.fileTimeout, scale: engine.timeScale)
    session.limits.append(limit)
    session.outerDeadline = limit.deadline
  }

  // MARK: Life

  package func boot(_ boot: NativeBoot) throws {
    guard boot.memory >= 64 << 20, boot.memory % (1 << 20) == 0 else {
      throw WrongArgument("memory", "is \(boot.memory) bytes; at least 64 MiB, in whole MiB, are accepted")
    }
    guard (1...255).contains(boot.cpus) else {
      throw WrongArgument("cpus", "is \(boot.cpus); 1 to 255 are accepted")
    }
    let configuration = session.engine.configuration
    var options = BootOptions()
    options.memory = boot.memory
    options.cpus = boot.cpus
    options.append = boot.append
    for (path, file) in boot.files {
      let target: GuestPath
      do { target = try GuestPath(path) } catch { throw WrongArgument("files", "'\(path)' \(error)") }
      options.files[target] = .contents(file.contents, mode: file.mode)
    }
    for path in options.files.keys {
      guard let above = path.fileAbove(among: options.files.keys) else { continue }
      throw WrongArgument("files", "'\(path)' lies below \(above), which is to be a file")
    }
    options.disks = try boot.disks.map { path in
      let resolved = Files.resolve(path, against: configuration.root)
      guard Files.exists(resolved) else { throw WrongArgument("disks", "there is no \(resolved)") }
      return DiskOptions(path: resolved)
    }
    let machine = session.machines.add(profile: try configuration.profile(boot.profile), session: session)
    self.machine = machine
    try machine.boot(options)
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
    _ operation: (AgentConnection, Deadline) throws -> Value
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
    throw WrongArgument(
      "name",
      "there is no system call '\(name)' on \(architecture.rawValue)"
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

/// A mistake of the test in an argument.
struct WrongArgument: Error, CustomStringConvertible {
  let description: String
  init(_ name: String, _ reason: String) { description = "\(name): \(reason)" }
}
