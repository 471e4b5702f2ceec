import ProviumRunner
import ProviumRuntime
import ProviumSystem
import ProviumVM
import Testing

/// A virtual machine that runs a real Linux kernel.
///
/// A VM belongs to a scope, which starts and ends it: the trait `.virtualMachine(fixture:)` of a test, or
/// ``withVirtualMachine(_:networks:hostName:sourceLocation:_:)``.
///
/// ```swift
/// @Test(.virtualMachine(fixture: "base")) func uptime() async throws {
///   let vm = try VirtualMachine.current
///   let result = try await vm.exec("cat /proc/uptime")
///   #expect(result.isSuccess)
/// }
/// ```
///
/// VMs of Swift tests and of Lua tests share one resource pool, the same fixtures and the same time limits.
///
/// If the kernel has reported a panic, an oops, a WARNING or a sanitizer's finding by the end of the VM, that
/// is an issue of the test. Its error is a ``ProviumError`` with the code `kernelReport`. `allow_splats` in
/// `provium.toml` lists reports to ignore.
///
/// With `PROVIUM_KEEP_FAILED` or `keep_failed` in `provium.toml`, the VM of a failed test is kept before it ends, and a warning
/// of the test shows how to open a copy of it: `provium open ID`. A test has failed if it threw an error, or if its kernel
/// reported a fault. With the trait `.virtualMachine`, an `#expect` that did not hold counts, too.
public final class VirtualMachine: Guest, @unchecked Sendable {
  // Sendable: the properties are immutable.

  /// The complete definition of a VM: memory, processors, kernel, disks, files.
  public typealias Configuration = MachineConfiguration

  /// The VM of the innermost scope of the current task.
  @TaskLocal private static var innermost: VirtualMachine?
  /// The number by which the resource pool knows the outermost scope of the current task. A second VM of one
  /// owner is admitted before the first VMs of others.
  @TaskLocal private static var owner: PoolOwner?

  /// Where an issue about the VM is recorded: its scope in the source of the test.
  private let location: SourceLocation?

  /// The network devices.
  let interfaces: [NativeMachine.Interface]

  private init(
    _ thread: MachineThread,
    _ interfaces: [NativeMachine.Interface],
    at location: SourceLocation?
  ) {
    self.location = location
    self.interfaces = interfaces
    super.init(OperationTarget(thread: thread))
  }

  /// The VM of the innermost scope that surrounds the caller: of the test's trait, or of
  /// ``withVirtualMachine(_:networks:hostName:sourceLocation:_:)``.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, outside such a scope, and in a task that did not
  ///   inherit the scope's task-local values (`Task.detached`).
  public static var current: VirtualMachine {
    get throws(ProviumError) {
      if let innermost { return innermost }
      throw ProviumError(
        .invalidUse,
        "there is no current VM: add the trait .virtualMachine(fixture: \"…\") or .virtualMachine() to the test, "
          + "or call this inside withVirtualMachine { vm in … }"
      )
    }
  }

  /// Starts a worker in the guest, with its own credentials and descriptors.
  /// - Parameter kind: a process with a copy of the agent's memory, a thread of the agent, or a process that
  ///   shares the agent's memory and descriptors.
  /// - Returns: the worker. It ends with the VM at the latest.
  /// - Throws: ``ProviumError`` if the guest cannot start the worker.
  public func spawn(_ kind: WorkerKind = .process) async throws(ProviumError) -> Worker {
    Worker(pid: try await target.thread.run { try $0.spawn(kind) }, kind: kind, thread: target.thread)
  }

  /// The last lines of the console, at most 20.
  /// - Throws: ``ProviumError`` after the end of the VM.
  public var consoleTail: [String] {
    get async throws(ProviumError) { try await target.thread.run { $0.console } }
  }

  /// Boots the VM again with the configuration of its last boot and with its disks as they are. A VM that runs is
  /// ended as by a reset button; its disks lose nothing.
  ///
  /// Workers, jobs and processes of the old boot throw from then on.
  /// - Throws: ``ProviumError`` if the VM does not boot.
  public func reset() async throws(ProviumError) { try await target.thread.run { try $0.reset() } }

  /// Mounts a folder of the host in the running guest, read only.
  ///
  /// `Docs/Shares.md` describes what the guest sees.
  /// - Throws: ``ProviumError`` for a folder that cannot be shared, or a guest whose kernel has no FUSE.
  public func share(_ folder: SharedFolder) async throws(ProviumError) {
    try await target.thread.run { try $0.share(folder) }
  }

  /// Shuts the guest down, and boots the VM again as ``reset()`` does.
  /// - Throws: ``ProviumError`` if the VM does not boot.
  public func reboot() async throws(ProviumError) { try await target.thread.run { try $0.reboot() } }

  /// Asks the guest to power off, and waits until the VM has ended. A guest that does not end in time is
  /// killed. Idempotent.
  ///
  /// All later operations of the VM and its workers throw. A kernel report up to the end is recorded as an
  /// issue.
  public func shutdown() async { await end { $0.shutDown() } }

  /// Ends the VM at once. Idempotent. The end of the VM's scope does the same.
  ///
  /// All later operations of the VM and its workers throw. A kernel report up to the end is recorded as an
  /// issue.
  public func kill() async { await end() }

  // MARK: Scope

  /// Starts a VM, runs `body` with the VM as `current`, and ends the VM.
  /// - Parameters:
  ///   - location: where issues about the VM are recorded; nil: no test is running.
  ///   - becomesCurrent: false for the owner of a lab, which has no VM of its own.
  ///   - start: boots or resumes the VM, on the VM's thread.
  nonisolated(nonsending) static func scoped<Result>(
    at location: SourceLocation?,
    becomesCurrent: Bool = true,
    _ start: @escaping @Sendable (NativeMachine) throws -> Void,
    _ body: nonisolated(nonsending) (VirtualMachine) async throws -> Result
  ) async throws -> Result {
    let owner = owner ?? SharedEngine.nextNumber()
    return try await $owner.withValue(owner) {
      let vm = try await started(by: owner, at: location, start)
      let result: Result
      do {
        result = try await $innermost.withValue(becomesCurrent ? vm : innermost) { try await body(vm) }
      } catch {
        // The error is reported by the test: it must not be reported a second time as an issue about the VM.
        let named = (error as? ProviumError)?.reports ?? []
        await vm.end(after: "\(error)", excluding: named)
        throw error
      }
      await vm.kill()
      return result
    }
  }

  /// Starts the threads of a lab's VMs, whose scope is this VM's.
  func machines(of lab: NativeLab, at location: SourceLocation?) throws(ProviumError) -> [VirtualMachine] {
    var machines: [VirtualMachine] = []
    do {
      for member in lab.members {
        let thread = try target.thread.startThread(of: member)
        machines.append(VirtualMachine(thread, member.interfaces, at: location))
      }
    } catch {
      // Those with a thread are released by it.
      for member in lab.members.dropFirst(machines.count) { member.release() }
      throw error
    }
    return machines
  }

  /// Ends the thread of a lab's VM after the operations that were already requested. Idempotent.
  func release() async { await target.thread.finish { _ in } }

  private static func started(
    by owner: PoolOwner,
    at location: SourceLocation?,
    _ start: @escaping @Sendable (NativeMachine) throws -> Void
  ) async throws(ProviumError) -> VirtualMachine {
    let engine = try SharedEngine.required()
    let scope = ScopeControl(
      name: Test.current?.name ?? "swift test \(owner)",
      owner: owner,
      services: engine.services
    )
    let thread = try MachineThread(scope, engine: engine)
    let interfaces: [NativeMachine.Interface]
    do {
      interfaces = try await thread.run { machine in
        try start(machine)
        return machine.interfaces
      }
    } catch {
      // Until the end of the VM's thread, memory and processors are reserved.
      let ended = await thread.finish { machine -> NativeMachine.Ended in
        let kept = machine.keep(after: "\(error)", excluding: [])
        machine.end()
        return kept
      }
      record(kept: ended?.kept ?? [], at: location)
      throw error
    }
    return VirtualMachine(thread, interfaces, at: location)
  }

  /// Runs `last`, ends the VM, and records the kernel reports that `named` does not contain. The VM of a failed test is kept, if
  /// VMs are kept.
  /// - Parameter failure: the error that the test threw; nil: none.
  private func end(
    after failure: String? = nil,
    excluding named: Set<KernelReport.ID> = [],
    _ last: @escaping @Sendable (NativeMachine) -> Void = { _ in }
  ) async {
    let failure = failure ?? IssueWatch.current?.failure
    let ended = await target.thread.finish { machine -> NativeMachine.Ended in
      // A VM that the test asks to shut down is kept before.
      let kept = machine.keep(after: failure, excluding: named)
      last(machine)
      machine.end()
      return NativeMachine.Ended(
        report: kept.report ?? machine.takeReports(excluding: named),
        kept: kept.kept
      )
    }
    guard let ended else { return }
    if let report = ended.report { record(report.harmless) }
    Self.record(kept: ended.kept, at: location)
  }

  private static func record(kept lines: [String], at location: SourceLocation?) {
    for line in lines {
      let comment = Comment(rawValue: "kept: \(line)")
      if let location {
        Issue.record(comment, severity: .warning, sourceLocation: location)
      } else {
        Issue.record(comment, severity: .warning)
      }
    }
  }

  private func record(_ report: ProviumError) {
    if let location {
      Issue.record(report, sourceLocation: location)
    } else {
      Issue.record(report)
    }
  }
}
