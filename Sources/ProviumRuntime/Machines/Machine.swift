import Logging
import ProviumAgentClient
import ProviumBlock
package import ProviumArchitecture
import ProviumBoot
import ProviumEvents
import ProviumSystem
package import ProviumVM
import Synchronization

/// A VM handle: it stays the same when the VM it refers to is replaced. Belongs to its scope's thread.
package final class Machine {
  package let context: MachineContext
  package let profile: Profile
  package private(set) var state = MachineState.created
  /// The VM itself; nil while the handle has none.
  private(set) var virtualMachine: VirtualMachine?
  /// All that were ever spawned: a restore may bring any of them back.
  private(set) var workers: [Worker] = []
  package internal(set) var lineage = Lineage()
  /// The QEMU process, also while it boots.
  let process: RunningProcesses.Slot
  private var reservation: MachineReservation?
  /// The memory meter's number for the VM; nil while it is not measured.
  private var reading: Int?
  /// The VM's number in events; each boot and each resume has its own.
  private(set) var identifier = 0
  /// The debug log of the VM with this number.
  var log = Logger.silent
  /// Whether the VM's kernel log goes into a file.
  var isKernelLogKept = false
  /// The process-wide count of operations at the last use of this VM.
  package internal(set) var lastUse: UInt64 = 0
  var reports = KernelReportLedger()
  /// Why the VM is dead.
  var death: String?
  /// The operations of the present or the last VM: failures show them also after its end.
  private(set) var operations = OperationLog()
  var lastConsole: [String] = []
  /// The console of the present or the last VM, also of one that did not boot.
  private(set) var consoleLog: ConsoleLog?
  /// Whether the script has stopped the VM's processors.
  package internal(set) var isHalted = false
  /// Everything of the host that went into this handle's VMs, also in boots that failed: for the inputs of a fixture.
  private(set) var hostInputs: [BootImage.Input] = []
  private(set) var hasTriedToBoot = false
  /// The folders of the host that were pushed while a fixture is built, for its inputs.
  var pushedFolders: [BootImage.Input] = []
  /// The files of shared folders that were read while a fixture is built, for its inputs.
  var sharedInputs: [BootImage.Input] = []
  /// The state that each fresh sub-test starts from.
  var freshStart: FreshStart?
  /// The disks that this process provides to the present or the last VM, by id.
  private(set) var disks: [String: BlockDisk] = [:]
  /// The configuration of the present or the last boot, with all settings. nil: the VM was never booted, or files of the
  /// boot are not known.
  var bootConfiguration: MachineConfiguration?
  /// The kernel of the present or the last boot; nil: the VM was resumed, or never booted.
  private(set) var bootImage: BootImage?
  /// The connections with networks, in the order of the VM's network devices.
  package internal(set) var interfaces: [NetworkInterface] = []
  /// The guest's host name, by which other machines of its networks know it.
  package internal(set) var hostName = ""
  /// The branches of the scope that use the VM, the one that uses it now first; see `MachineContext.waiting`.
  let queue = BranchQueue()
  var isInUse: Bool { !queue.places.isEmpty }
  /// The block of `/etc/hosts` that the guest has.
  var writtenHosts = ""
  /// The VM that died last, saved before it was ended.
  var savedFailure: SavedFailure?
  /// The snapshot that the VM was resumed from, and `lastUse` at that moment.
  private var resumed: (from: HeldSnapshot, at: UInt64)?

  init(profile: Profile, context: MachineContext) {
    self.profile = profile
    self.context = context
    process = context.processes.add()
  }

  package var architecture: Architecture {
    virtualMachine?.connection.architecture ?? profile.architecture ?? (try? .host) ?? .x86_64
  }
  /// `vm1 (default)`.
  package var label: String { identifier == 0 ? profile.name : "vm\(identifier) (\(profile.name))" }
  /// The factor by which time limits of its operations grow.
  package var timeoutMultiplier: Double { context.services.timeoutMultiplier(for: architecture) }
  /// The snapshot that the VM was resumed from; nil if the VM has been used since.
  var untouchedStart: HeldSnapshot? { resumed.flatMap { $0.at == lastUse ? $0.from : nil } }
  /// The state at the start of the sub-test, or of the fixture; nil: unknown.
  var startSnapshot: Snapshot? {
    if case .booted(let snapshot)? = freshStart { return snapshot.point.snapshot }
    return resumed?.from.snapshot
  }

  // MARK: Boot

  /// Boots the VM. Blocks until its agent answers.
  /// - Parameters:
  ///   - settings: the profile's settings apply where they leave something unset.
  ///   - networks: the network devices. They have their addresses when the boot returns.
  ///   - hostName: nil: `vmN`, where N is the number of the handle in its scope.
  package func boot(
    _ settings: MachineConfiguration,
    networks: [InterfaceRequest] = [],
    hostName: String? = nil
  ) throws {
    guard state == .created || state == .shutdown else {
      throw ProviumError(.invalidUse, "the machine is \(state.rawValue) already")
    }
    var configuration = settings.applying(profile)
    hasTriedToBoot = true
    do { try configuration.validate() } catch {
      throw ProviumError(.invalidUse, "\(error)", cause: error)
    }
    interfaces = []
    try plan(networks, hostName: hostName)
    configuration.devices += networkDevices
    try boot(configuration, disks: [:])
  }

  /// Boots the VM.
  /// - Parameters:
  ///   - configuration: valid, with all settings of the profile and the devices of `interfaces`.
  ///   - existing: the contents of its served disks, by id; those that are missing are made.
  func boot(_ configuration: MachineConfiguration, disks existing: [String: BlockDisk]) throws {
    try checkMayUse()
    let services = context.services
    takeNumber()
    bootConfiguration = configuration
    reservation = try context.admit(
      PoolRequest(memory: configuration.memory.bytes, cpus: configuration.cpus, isColdBoot: true)
    )
    let begin = Deadline.now
    let kernelLogFile = makeKernelLogFile()
    var bootLimit: TimeLimit?
    context.events.send(.machineStarted(description(of: configuration)))
    do {
      // First: the disks are copied next, and the files are packed as they are now.
      if context.workFolder != nil { hostInputs += try configuration.hostInputs(digests: services.digests) }
      var storage = try context.storage(for: configuration, machine: identifier)
      storage.servedDisks = existing
      let limit = TimeLimit(
        of: "the boot's",
        length: configuration.bootTimeLimit ?? services.configuration.settings.bootTimeout,
        multiplier: timeoutMultiplier,
        sample: { [process] in process.sample }
      )
      bootLimit = limit
      let deadline = Deadline.earliest(limit.deadline, context.limits.deadline)
      let machine = try context.waiting(for: queue) {
        try start(configuration, storage: storage, kernelLog: kernelLogFile?.receiver, until: deadline)
      }
      adopt(machine, since: begin)
      isKernelLogKept = kernelLogFile != nil
    } catch {
      kernelLogFile?.remove()
      let failure = failedToStart(error)
      let reached = context.limits.reached ?? bootLimit.flatMap { $0.deadline.isExpired ? $0 : nil }
      // Files that do not exist, or are no kernels, are a mistake in the configuration.
      let code = ProviumError.Code(error)
      let reason = [.configuration, .unavailable].contains(code) ? code : .startFailed
      throw ProviumError(
        context.limits.reached == nil ? reason : .timeout,
        reached.map { "\(failure.message)\n\($0.description) was reached" } ?? failure.message,
        cause: error
      )
    }
  }

  /// Starts a VM and connects it with its networks. Runs without the scope's turn.
  private func start(
    _ configuration: MachineConfiguration,
    storage: VirtualMachine.Storage,
    kernelLog: (@Sendable (KernelLogBatch) -> Void)?,
    until deadline: Deadline
  ) throws -> VirtualMachine {
    // Now, not when the boot's branch has the turn: the branch that has it may wait for its own boot.
    defer { reservation?.bootFinished() }
    let machine = try VirtualMachine.boot(
      configuration,
      name: label,
      storage: storage,
      on: context.services.host,
      until: deadline,
      stage: { [context, label, log] stage in
        log.debug("boot stage: \(stage)")
        context.activity("booting \(label): \(stage)")
      },
      built: { image in
        context.inTurn {
          bootImage = image
          hostInputs += image.inputs.filter { !$0.path.isEmpty }
        }
      },
      started: { process in
        context.inTurn {
          noteRunning(process)
          connectFrames(of: process)
        }
      },
      failed: { machine in context.inTurn { saveUnbooted(machine) } },
      kernelLog: kernelLog,
      log: log
    )
    do { try joinNetworks(machine, until: deadline) } catch {
      machine.kill()
      throw error
    }
    return machine
  }

  /// Gives back what was taken for a VM that did not start, and returns the error.
  func failedToStart(_ error: any Error) -> ProviumError {
    let reason = "\(error)" + (context.shortage.map { "; \($0)" } ?? "")
    giveBack()
    reports.detach()
    state = .dead
    death = reason
    lastConsole = (error as? BootFailure)?.console ?? []
    lastUse = Self.countUse()
    log.debug("not started: \(reason)")
    context.events.send(.machineEnded(id: identifier, reason: reason))
    return ProviumError(.startFailed, reason, cause: error)
  }

  /// Makes the process known to other threads, and its kernel reports to this handle.
  func noteRunning(_ process: QEMUProcess) {
    savedFailure = nil
    resumed = nil
    self.process.set(process)
    consoleLog = process.console
    isHalted = false
    reports.attach(process.reports)
    // The request may have come before there was anything to end.
    if context.cancellation.isRequested { process.kill() }
  }

  private func description(of configuration: MachineConfiguration) -> MachineDescription {
    MachineDescription(
      id: identifier,
      file: context.name,
      profile: profile.name,
      memory: configuration.memory.bytes,
      cpus: configuration.cpus,
      origin: "boot"
    )
  }

  /// Gives the handle's next VM its number in events, and its debug log.
  private func takeNumber() {
    identifier = context.services.nextMachineNumber()
    log = context.services.debugLogs.logger(for: identifier)
  }

  // MARK: Resume

  /// Blocks until the resource pool admits a resume of `snapshot`.
  /// - Parameter admitted: the reservation for it, if there is one already.
  func admitResume(of snapshot: Snapshot, admitted: MachineReservation? = nil) throws {
    takeNumber()
    reservation = try admitted ?? context.admit(resumeRequest(for: snapshot))
  }

  func resumeRequest(for snapshot: Snapshot) -> PoolRequest {
    // A VM of a fixture's script writes to a copy of the memory: that costs all of it.
    let memory =
      context.workFolder == nil ? min(snapshot.memory, PoolRequest.resumedMemory) : snapshot.memory
    return PoolRequest(memory: memory, cpus: snapshot.cpus, isColdBoot: false)
  }

  func announceResume(of snapshot: Snapshot, origin: String) {
    var description = MachineDescription(
      id: identifier,
      file: context.name,
      profile: profile.name,
      memory: snapshot.memory,
      cpus: snapshot.cpus,
      origin: origin
    )
    description.kernel = snapshot.kernelRelease
    context.events.send(.machineStarted(description))
  }

  /// Adopts a running VM and starts a new lineage: workers and jobs of before become invalid.
  func adopt(_ machine: VirtualMachine, since begin: UInt64) {
    virtualMachine = machine
    disks = machine.process.disks
    writtenHosts = ""
    bootImage = machine.process.wiring.isIncoming ? nil : machine.image
    lineage = Lineage()
    isKernelLogKept = false
    operations = machine.agent.operations
    noteRunning(machine.process)
    state = .booted
    death = nil
    lastUse = Self.countUse()
    reservation?.bootFinished()
    log.debug("ready: kernel \(machine.image.release ?? "unknown")")
    context.activity("running")
    context.events.send(
      .machineReady(
        id: identifier,
        duration: Double(Deadline.now - begin) / 1e9,
        kernel: machine.image.release
      )
    )
    for remark in machine.image.remarks { context.services.warnOnce(remark, file: context.name) }
  }

  /// Charges the VM from now on for the memory that it does not share.
  func watchCost() {
    guard let virtualMachine, let reservation else { return }
    reading = context.services.meter.watch(virtualMachine.process) { [weak reservation] in
      reservation?.charge($0)
    }
  }

  /// Remembers what the VM was resumed from, until its next use.
  func noteStart(from snapshot: HeldSnapshot) { resumed = (snapshot, lastUse) }

  /// Continues the trace of the VM before this one.
  func continueTrace(of earlier: OperationLog) { operations.continue(earlier) }

  // MARK: End

  /// Asks the guest to power off, waits, then forces. Idempotent.
  package func shutDown() {
    guard state == .booted || state == .paused, let virtualMachine else { return }
    context.activity("shutting \(label) down")
    // A guest whose processors are stopped could not shut down.
    try? unpause()
    // Later output of the kernel is on its console only.
    catchUpWithReports()
    guard (try? context.waiting(for: queue, { virtualMachine.shutdown() })) != nil else { return }
    end(.shutdown, reason: "shut down")
  }

  /// Ends QEMU now. Idempotent.
  /// - Parameter keepingReports: also finds the kernel reports up to this moment, which blocks for a round trip to the guest.
  package func kill(_ reason: String, keepingReports: Bool = false) {
    guard let virtualMachine else { return }
    if keepingReports { catchUpWithReports() }
    virtualMachine.kill()
    end(state == .booted || state == .paused ? .dead : state, reason: reason)
  }

  /// Gives up the disks of a VM that has ended, with the room and the descriptors of their overlays.
  func releaseDisks() { disks = [:] }

  /// Ends the VM, which another one replaces.
  func discard(_ reason: String) {
    catchUpWithReports()
    virtualMachine?.kill()
    end(.paused, reason: reason)
    state = .paused
  }

  /// Ends the VM, and makes the handle what it was before a boot.
  func goBack(to before: MachineState) {
    discard("its sub-test ended")
    state = before
  }

  /// Gives up the VM, which has ended, and everything that belongs to it.
  func end(_ state: MachineState, reason: String) {
    guard let virtualMachine else { return }
    lastConsole = consoleTail
    reports.detach()
    noteShares(of: virtualMachine)
    context.keepConsole(of: virtualMachine, as: identifier)
    virtualMachine.console.close()
    virtualMachine.discardDirectory()
    // Its memory, unless a snapshot has taken that over.
    if case .sharedFile(let memory) = virtualMachine.process.wiring.memory { try? Files.removeTree(memory) }
    self.virtualMachine = nil
    self.state = state
    if state == .dead { death = death ?? reason }
    for worker in workers { worker.detach() }
    for interface in interfaces { interface.network.network.disconnect(interface.port) }
    giveBack()
    log.debug("ended: \(reason)")
    context.events.send(.machineEnded(id: identifier, reason: reason))
  }

  private func giveBack() {
    process.set(nil)
    reading.map(context.services.meter.end)
    reading = nil
    reservation = nil
  }

  // MARK: Workers

  func add(_ worker: Worker) { workers.append(worker) }

  // MARK: What failures show

  /// The lines of the console of the present or the last VM, also of one that did not boot; the last ones if there are many.
  package var consoleLines: [String] { consoleLog?.tail(.max) ?? [] }

  /// The last operations, in the style of strace.
  package var traceLines: [String] { operations.lines }
  package var consoleTail: [String] { virtualMachine?.console.tail(20) ?? lastConsole }

  private static let useCount = Atomic<UInt64>(0)
  static func countUse() -> UInt64 { useCount.add(1, ordering: .relaxed).newValue }
  /// The process-wide count of operations: the `lastUse` of every later use is greater.
  package static var uses: UInt64 { useCount.load(ordering: .relaxed) }
}
