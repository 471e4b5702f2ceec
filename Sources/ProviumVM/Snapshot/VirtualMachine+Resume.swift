import Glibc
package import Logging
import ProviumAgentImage
import ProviumAgentClient
import ProviumBlock
import ProviumBoot
import ProviumJSON
package import ProviumSystem

extension VirtualMachine {
  /// Starts a VM from a snapshot and blocks until its agent answers.
  /// - Parameters:
  ///   - memory: a file that the VM writes to, a copy of the snapshot's memory, for a VM that becomes a snapshot itself; nil:
  ///     the snapshot's own, copy on write.
  ///   - diskFiles: copies of the snapshot's writable disks, by the disk's number; nil: the snapshot's own, with overlays.
  ///   - started: called when QEMU runs, so that another thread can end it.
  ///   - log: the debug log of the VM.
  /// - Throws: `SnapshotFailure`, `BootFailure`, `QEMUBinary.Failure`.
  package static func resume(
    _ snapshot: Snapshot,
    on host: MachineHost,
    writingTo memory: String? = nil,
    diskFiles: [Int: DiskFile]? = nil,
    until deadline: Deadline,
    started: (QEMUProcess) -> Void = { _ in },
    log: Logger = .silent
  ) throws -> VirtualMachine {
    try load(
      snapshot,
      on: host,
      writingTo: memory,
      diskFiles: diskFiles,
      until: deadline,
      started: started,
      log: log
    ).start(until: deadline)
  }

  /// Starts QEMU and loads a snapshot. The VM does not run yet.
  package static func load(
    _ snapshot: Snapshot,
    on host: MachineHost,
    writingTo memory: String? = nil,
    diskFiles: [Int: DiskFile]? = nil,
    until deadline: Deadline,
    started: (QEMUProcess) -> Void = { _ in },
    log: Logger = .silent
  ) throws -> LoadedMachine {
    let platform = host.platform(for: snapshot.conditions.architecture)
    let qemu = try host.qemu(for: platform.architecture)
    if let difference = snapshot.conditions.difference(
      from: try snapshot.presentConditions(qemu: qemu, host: host),
      ignoringPath: snapshot.kept != nil
    ) {
      throw SnapshotFailure(description: "the snapshot does not fit this host any more: \(difference)")
    }
    let directory = try host.run.machineDirectory()
    var wiring = LaunchWiring()
    wiring.isIncoming = true
    wiring.isDeviceState = snapshot.kept != nil
    wiring.pausesAtShutdown = host.keepsFailures
    wiring.memory = memory.map { .sharedFile($0) } ?? .privateFile(snapshot.memoryPath)
    // A VM that becomes a snapshot itself.
    wiring.keepsFrameEnds = memory != nil
    wiring.diskFiles =
      diskFiles
      ?? snapshot.writableDisks.mapValues { file in
        var overlay = file
        overlay.discardsWrites = true
        return overlay
      }
    var disks: [String: BlockDisk] = [:]
    for disk in snapshot.configuration.servedDisks {
      disks[disk.id] = try disk.open(from: snapshot.folder, in: host.run.path)
    }
    let shares = try MachineShares(
      snapshot.configuration.sharedFolders,
      snapshot: snapshot.folder,
      wiring: wiring
    )
    let process = try QEMUProcess(
      qemu,
      configuration: snapshot.configuration,
      platform: platform,
      secret: snapshot.secret,
      directory: directory,
      wiring: wiring,
      disks: disks,
      state: snapshot.statePath,
      servers: host.forkServers,
      log: log
    )
    started(process)
    let loaded = LoadedMachine(
      snapshot: snapshot,
      process: process,
      qemu: qemu,
      directory: directory,
      shares: shares
    )
    do {
      // QEMU would announce the saved addresses of its network devices, which a resumed VM does not keep.
      if !snapshot.configuration.networkDevices.isEmpty {
        try process.qmp.command("migrate-set-parameters", ["announce-rounds": .integer(0)], until: deadline)
      }
      try process.qmp.load(
        from: process.wiring.descriptor(QEMUProcess.stateDescriptor),
        ignoringShared: !snapshot.isStream && snapshot.kept == nil,
        until: deadline
      )
      return loaded
    } catch { throw loaded.failed(error) }
  }

  /// Starts a VM from a snapshot whose guest may be dead. Its processors are stopped, and nothing connects to its agent. Blocks.
  /// - Parameter memory: see `resume`.
  /// - Throws: `SnapshotFailure`, `QEMUBinary.Failure`.
  package static func openStopped(
    _ snapshot: Snapshot,
    on host: MachineHost,
    writingTo memory: String?,
    until deadline: Deadline
  ) throws -> QEMUProcess {
    do { return try load(snapshot, on: host, writingTo: memory, until: deadline).process } catch let error
      as BootFailure
    {
      throw SnapshotFailure(description: "\(error)")
    }
  }

  /// Sets the clock to the present unless the guest has a clock of its own, and gives the guest random numbers that no
  /// sibling has.
  /// - Parameter meanwhile: runs while the guest does it.
  package func wakeUp(until deadline: Deadline, meanwhile: () throws -> Void = {}) throws {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let present = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    let now = configuration.clock == nil ? present : 0
    let seed = Random.bytes(WireLimit.seedSize)
    _ = try agent.resume(realtime: now, seed: seed, until: deadline, meanwhile: meanwhile)
  }

  /// Stops the machine's processors; `proceed` goes on.
  package func pause(until deadline: Deadline) throws { try process.pause(until: deadline) }
  package func proceed(until deadline: Deadline) throws { try process.proceed(until: deadline) }

  /// Continues the processors of a VM that was paused, and gives the guest the present time and new random numbers.
  package func proceedAndWakeUp(until deadline: Deadline) throws {
    try process.proceed(until: deadline) { try wakeUp(until: deadline) }
  }
}

/// A VM that was loaded from a snapshot and does not run yet.
package struct LoadedMachine: Sendable {
  package let snapshot: Snapshot
  package let process: QEMUProcess
  let qemu: QEMUBinary
  let directory: String
  let shares: MachineShares

  /// Lets the VM run, and blocks until its agent answers. A VM that runs already goes on.
  package func start(until deadline: Deadline) throws -> VirtualMachine {
    do {
      // Before the agent is asked: it may run a command whose program is in a share.
      if !shares.all.isEmpty { try shares.connect(process, isResume: true) }
      try process.proceed(until: deadline)
      return try connect(until: deadline)
    } catch { throw failed(error) }
  }

  /// Blocks until the agent of a VM that runs answers.
  private func connect(until deadline: Deadline) throws -> VirtualMachine {
    let agent = try GuestAgent.connect(
      to: process.endpoint,
      machine: snapshot.name,
      expecting: AgentImage.buildID,
      liveness: process.monitor,
      until: deadline
    )
    var image = BootImage(kernel: "", initrd: "", append: "")
    image.release = snapshot.kernelRelease
    let machine = VirtualMachine(
      name: snapshot.name,
      process: process,
      agent: agent,
      image: image,
      qemu: qemu,
      directory: directory,
      shares: shares
    )
    try machine.wakeUp(until: deadline) {
      try machine.followKernelLog(from: .afterLast, next: snapshot.kernelLogPosition, until: deadline)
    }
    return machine
  }

  /// Ends the VM, and returns the error of its resume.
  func failed(_ error: any Error) -> BootFailure {
    process.kill()
    shares.stop()
    let tail = process.console.tail()
    try? Files.removeTree(directory)
    return BootFailure(machine: snapshot.name, stage: .agent, reason: "\(error)", console: tail)
  }

  /// Ends the VM without an error.
  package func discard() {
    process.kill()
    shares.stop()
    try? Files.removeTree(directory)
  }
}
