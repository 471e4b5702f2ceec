import Glibc
import ProviumAgentImage
import ProviumAgentClient
import ProviumBoot
package import ProviumSystem

extension VirtualMachine {
  /// Brings a snapshot back to life, as a machine of its own.
  /// - Parameters:
  ///   - memory: a file to be written to (a copy of the snapshot's memory), for a machine that is to become a snapshot
  ///     itself; nil: the snapshot's own, copy on write.
  ///   - warm: runs before the clock is set and the random numbers are reseeded: what makes a spare quick.
  package static func resume(
    _ snapshot: Snapshot,
    on host: MachineHost,
    writingTo memory: String? = nil,
    disks: [DiskOptions]? = nil,
    until deadline: Deadline,
    started: (QEMUProcess) -> Void = { _ in }
  ) throws -> VirtualMachine {
    let platform = try GuestPlatform.required(snapshot.conditions.architecture)
    let qemu = try host.qemu(for: platform.name)
    if let difference = snapshot.conditions.difference(
      from: try snapshot.presentConditions(qemu: qemu, host: host)
    ) {
      throw SnapshotFailure(description: "the snapshot does not fit this host any more: \(difference)")
    }
    let directory = try host.run.machineDirectory()
    let state = try Descriptor.open(snapshot.statePath, O_RDONLY)
    let process = try QEMUProcess(
      qemu,
      secret: snapshot.secret,
      directory: directory,
      incoming: state.raw
    ) { options in
      options.platform = platform
      options.accelerator = host.accelerator(for: snapshot.conditions.architecture).accelerator
      options.memory = snapshot.memory
      options.backing = memory.map { .sharedFile($0) } ?? .privateFile(snapshot.memoryPath)
      options.cpus = snapshot.cpus
      options.disks = disks ?? snapshot.disks.map { $0.withOverlay(in: snapshot.folder) }
      options.isIncoming = true
    }
    started(process)
    do {
      try process.watch.load(
        from: QEMUProcess.migrationDescriptor,
        ignoringShared: !snapshot.isStream,
        until: deadline
      )
      try process.watch.command("cont", until: deadline)
      let agent = try GuestAgent.connect(
        to: process.endpoint,
        machine: snapshot.name,
        expecting: AgentImage.buildID,
        liveness: process.watch,
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
        directory: directory
      )
      try machine.wakeUp(until: deadline)
      return machine
    } catch {
      process.kill()
      let tail = process.console.tail()
      try? Files.removeTree(directory)
      throw BootFailure(machine: snapshot.name, stage: .agent, reason: "\(error)", console: tail)
    }
  }

  /// Sets the clock to the present, and gives the guest random numbers that no sibling has.
  package func wakeUp(until deadline: Deadline) throws {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let now = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    var generator = SystemRandomNumberGenerator()
    let seed = (0..<WireLimit.seedSize).map { _ in UInt8.random(in: 0...255, using: &generator) }
    _ = try agent.resume(realtime: now, seed: seed, until: deadline)
  }

  /// Stops the machine's processors; `proceed` goes on.
  package func pause(until deadline: Deadline) throws { try process.watch.command("stop", until: deadline) }
  package func proceed(until deadline: Deadline) throws { try process.watch.command("cont", until: deadline) }
}

extension DiskOptions {
  /// What is written goes to an overlay of the machine's own, gone with it.
  fileprivate func withOverlay(in folder: String) -> DiskOptions {
    var disk = self
    disk.path = Files.resolve(path, against: folder)
    if !disk.isReadOnly { disk.isSnapshot = true }
    return disk
  }
}
