package import ProviumAgentClient
import ProviumArchitecture
import ProviumBoot
package import ProviumSystem
import ProviumVM

/// How a VM is booted from Swift: what `vm:boot{…}` accepts.
package struct NativeBoot: Sendable {
  package var profile = Profile.builtIn.name
  /// Bytes: whole mebibytes, at least 64.
  package var memory: UInt64 = 512 << 20
  package var cpus = 1
  /// More of the kernel command line.
  package var append = ""
  /// Contents and mode by guest path.
  package var files: [String: (contents: [UInt8], mode: UInt32)] = [:]
  package var disks: [String] = []

  package init() {}
}

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

  package func boot(_ boot: NativeBoot) throws {
    guard boot.memory >= 64 << 20, boot.memory % (1 << 20) == 0 else {
      throw InvalidArgument("memory", "is \(boot.memory) bytes; at least 64 MiB, in whole MiB, are accepted")
    }
    guard (1...255).contains(boot.cpus) else {
      throw InvalidArgument("cpus", "is \(boot.cpus); 1 to 255 are accepted")
    }
    let configuration = scope.services.configuration
    var options = BootOptions()
    options.memory = boot.memory
    options.cpus = boot.cpus
    options.append = boot.append
    for (path, file) in boot.files {
      let target: GuestPath
      do { target = try GuestPath(path) } catch { throw InvalidArgument("files", "'\(path)' \(error)") }
      options.files[target] = .contents(file.contents, mode: file.mode)
    }
    for path in options.files.keys {
      guard let above = path.fileAbove(among: options.files.keys) else { continue }
      throw InvalidArgument("files", "'\(path)' lies below \(above), which is to be a file")
    }
    options.disks = try boot.disks.map { path in
      let resolved = Files.resolve(path, against: configuration.root)
      guard Files.exists(resolved) else { throw InvalidArgument("disks", "there is no \(resolved)") }
      return DiskOptions(path: resolved)
    }
    let machine = scope.machines.add(profile: try configuration.profile(boot.profile))
    self.machine = machine
    try machine.boot(options)
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
    _ operation: (GuestSession, Deadline) throws -> Value
  ) throws -> Value {
    let machine = try present()
    if let worker {
      return try machine.perform(what, on: try known(worker), allowance: allowance, operation)
    }
    return try machine.perform(what, allowance: allowance, operation)
  }

  /// Starts a worker and returns its pid, by which the other functions know it.
  package func spawn(thread: Bool) throws -> Int32 {
    let worker = try present().spawn(thread ? .thread : .fork)
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
    throw InvalidArgument(
      "name",
      "there is no system call '\(name)' on \(architecture.rawValue)"
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
