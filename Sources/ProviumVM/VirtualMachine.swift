import ProviumAgentImage
package import ProviumAgentClient
package import ProviumBoot
package import ProviumSystem
import Synchronization

/// What a machine is to be.
package struct BootRequest: Sendable {
  /// For messages: `vm1 (default)`.
  package var name: String
  package var image: ImageSpecification
  /// Bytes.
  package var memory: UInt64 = 512 << 20
  package var cpus = 1
  /// After the root disk, if there is one.
  package var disks: [DiskOptions] = []
  /// Where the memory lies; a machine that becomes a snapshot writes to a file.
  package var backing = MemoryBacking.anonymous

  package init(name: String, image: ImageSpecification) {
    self.name = name
    self.image = image
  }
}

/// A running machine: QEMU, its console, and the agent inside.
package final class VirtualMachine: Sendable {
  package let name: String
  package let process: QEMUProcess
  package let agent: GuestAgent
  package let image: BootImage
  package let qemu: QEMUBinary
  /// Of this machine alone; gone with it.
  package let directory: String

  package var console: ConsoleLog { process.console }
  /// Reads what the console has shown by now: the watcher's thread may not have come to it yet. Any thread.
  package func catchUpWithConsole() { process.watch.catchUpWithConsole() }
  package var connection: AgentConnection { agent.connection }
  package var options: MachineOptions { process.options }

  init(
    name: String,
    process: QEMUProcess,
    agent: GuestAgent,
    image: BootImage,
    qemu: QEMUBinary,
    directory: String
  ) {
    self.name = name
    self.process = process
    self.agent = agent
    self.image = image
    self.qemu = qemu
    self.directory = directory
    process.watch.expectAgent()
  }

  /// Boots a machine and waits until its agent answers.
  /// - Parameters:
  ///   - stage: told of each stage that the boot reaches, on this thread.
  ///   - built: told what the machine is made from, before it starts.
  ///   - started: called once QEMU runs: how to end it from another thread.
  /// - Throws: `BootFailure`, `ImageError`, `QEMUBinary.Failure`.
  package static func boot(
    _ request: BootRequest,
    on host: MachineHost,
    until deadline: Deadline,
    stage: (String) -> Void = { _ in },
    built: (BootImage) -> Void = { _ in },
    started: (QEMUProcess) -> Void = { _ in }
  ) throws -> VirtualMachine {
    let architecture = request.image.architecture
    let platform = try GuestPlatform.required(architecture)
    let qemu = try host.qemu(for: architecture)
    var specification = request.image
    // vsock connects the host's kernel; a foreign machine type keeps to what both have.
    let channel = host.channel.kind
    specification.drivers += drivers(channel: channel, disks: request.disks)
    let image = try host.images.build(specification, progress: stage)
    built(image)
    let directory = try host.run.machineDirectory()
    let secret = channel == .vsock ? GuestSecret.random() : nil
    let initrd =
      try secret.map { try image.initrd(with: $0.bytes, at: "\(directory)/initrd") } ?? image.initrd
    stage(BootStage.qemu.word)
    let process = try QEMUProcess(qemu, secret: secret, directory: directory) { options in
      options.platform = platform
      options.accelerator = host.accelerator(for: architecture).accelerator
      options.memory = request.memory
      options.backing = request.backing
      options.cpus = request.cpus
      options.kernel = image.kernel
      options.initrd = initrd
      options.append = image.append
      options.disks =
        (specification.rootfs.map { [DiskOptions(path: $0, isReadOnly: true)] } ?? []) + request.disks
    }
    started(process)
    do {
      stage(BootStage.kernel.word)
      let agent = try GuestAgent.connect(
        to: process.endpoint,
        machine: request.name,
        expecting: AgentImage.buildID,
        liveness: process.watch,
        until: deadline
      )
      return VirtualMachine(
        name: request.name,
        process: process,
        agent: agent,
        image: image,
        qemu: qemu,
        directory: directory
      )
    } catch {
      let reached = process.console.reached
      process.kill()
      throw BootFailure(
        machine: request.name,
        stage: reached,
        reason:
          "\(error)\(Self.hint(image, reached: reached, initrd: request.image.initrd, process.console))",
        console: process.console.tail()
      )
    }
  }

  /// What a boot that came so far most likely lacks.
  private static func hint(_ image: BootImage, reached: BootStage, initrd: String?, _ console: ConsoleLog)
    -> String
  {
    if reached == .kernel, console.panic?.contains("VFS: Unable to mount root fs") == true {
      // It found no wrapper, which stands behind the user's initrd.
      guard let initrd else {
        return "; the kernel did not unpack its initramfs (was it built without CONFIG_BLK_DEV_INITRD?)"
      }
      let said = console.tail(.max).compactMap { $0.suffix(after: "Initramfs unpacking failed: ") }.last
      return
        "; the kernel could not unpack \(initrd)\(said.map { " (it says: \($0))" } ?? ""): is it whole, and packed in a way that this kernel was built for?"
    }
    guard reached >= .modules, !image.hasModules else { return "" }
    return
      "; no modules were found for its kernel: where its virtio drivers are modules, name their folder with modules = \"…\""
  }

  /// What the channel and the disks need of the kernel.
  private static func drivers(channel: ChannelKind, disks: [DiskOptions]) -> [String] {
    var drivers = ["virtio_pci"]
    switch channel {
    case .virtioSerial: drivers.append("virtio_console")
    case .vsock: drivers.append("vmw_vsock_virtio_transport")
    }
    if !disks.isEmpty { drivers.append("virtio_blk") }
    return drivers
  }

  // MARK: The end

  /// How far the ladder of a shutdown had to be climbed.
  package enum ShutdownStep: String, Sendable, CaseIterable {
    case asked, quit, killed

    /// How long each step may take.
    package var limit: Duration {
      switch self {
      case .asked: .seconds(10)
      case .quit: .seconds(2)
      case .killed: .seconds(5)
      }
    }
  }

  /// Asks the guest, waits, then forces. Twice is fine.
  @discardableResult
  package func shutdown() -> ShutdownStep {
    process.watch.expectEnd()
    for step in ShutdownStep.allCases {
      if process.child.poll() != nil { return step }
      let deadline = Deadline.after(step.limit)
      switch step {
      case .asked: try? agent.shutDown(until: deadline)
      case .quit: _ = try? process.watch.command("quit", until: deadline)
      case .killed: break
      }
      if step != .killed, let ended = try? process.child.wait(until: deadline) {
        _ = ended
        finish()
        return step
      }
    }
    finish()
    return .killed
  }

  /// Ends QEMU now. Twice is fine; any thread.
  package func kill() { finish() }

  private func finish() {
    process.kill()
    agent.close()
  }

  /// The machine's own folder: after the console has been read.
  package func discardDirectory() { try? Files.removeTree(directory) }

  /// The machine's cause of death; nil while it lives.
  package var causeOfDeath: (any Error)? { process.watch.causeOfDeath() }
}

extension String {
  /// What stands behind the first `mark`; nil when there is none.
  fileprivate func suffix(after mark: String) -> Substring? {
    firstRange(of: mark).map { self[$0.upperBound...] }
  }
}
