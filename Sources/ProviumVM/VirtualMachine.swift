import ProviumAgentImage
package import ProviumAgentClient
package import ProviumBoot
package import ProviumSystem

/// A running VM: QEMU, its console, and the agent in the guest.
package final class VirtualMachine: Sendable {
  /// For messages: `vm1 (default)`.
  package let name: String
  package let process: QEMUProcess
  package let agent: GuestAgent
  package let image: BootImage
  package let qemu: QEMUBinary
  /// A folder of this VM alone, removed by `discardDirectory`.
  package let directory: String
  let kernelLog = KernelLogSession()

  package var console: ConsoleLog { process.console }
  package var connection: AgentConnection { agent.connection }
  package var configuration: MachineConfiguration { process.configuration }

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
    process.monitor.expectAgent(
      MachineMonitor.Question(
        // The agent holds the monitor.
        ask: { [weak agent] in try? agent?.requestKernelLogSync(until: .after(.milliseconds(100))) },
        hasAnswer: { [weak agent] in agent?.hasSyncedKernelLog($0) ?? false }
      )
    )
  }

  /// Where the memory and the disks of a boot are, besides the configuration's own places.
  package struct Storage: Sendable {
    package var memory = MemoryBacking.anonymous
    /// Copies that stand for disks, by the disk's number in `MachineConfiguration.allDisks`.
    package var diskFiles: [Int: DiskFile] = [:]

    package init() {}
  }

  /// Boots a VM and blocks until its agent answers.
  /// - Parameters:
  ///   - configuration: with all settings of its profile.
  ///   - name: for messages.
  ///   - stage: called at each stage of the boot, on this thread.
  ///   - built: called with what the VM is made from, before it starts.
  ///   - started: called when QEMU runs, so that another thread can end it.
  ///   - kernelLog: called with the guest's kernel log from its first message on, see `GuestAgent.followKernelLog`.
  /// - Throws: `InvalidConfiguration`, `BootFailure`, `ImageError`, `QEMUBinary.Failure`.
  package static func boot(
    _ configuration: MachineConfiguration,
    name: String,
    storage: Storage = Storage(),
    on host: MachineHost,
    until deadline: Deadline,
    stage: (String) -> Void = { _ in },
    built: (BootImage) -> Void = { _ in },
    started: (QEMUProcess) -> Void = { _ in },
    kernelLog: (@Sendable (KernelLogBatch) -> Void)? = nil
  ) throws -> VirtualMachine {
    try configuration.validate()
    let architecture = try configuration.boot.requiredArchitecture
    let platform = host.platform(for: architecture)
    let qemu = try host.qemu(for: architecture)
    let image = try host.images.build(
      configuration.boot,
      drivers: configuration.kernelModules(on: platform),
      progress: stage
    )
    built(image)
    let directory = try host.run.machineDirectory()
    let secret = platform.channel == .vsock ? GuestSecret.random() : nil
    let initrd =
      try secret.map { try image.initrd(with: $0.bytes, at: "\(directory)/initrd") } ?? image.initrd
    stage(BootStage.qemu.word)
    var wiring = LaunchWiring()
    wiring.memory = storage.memory
    wiring.diskFiles = storage.diskFiles
    wiring.kernel = LaunchKernel(kernel: image.kernel, initrd: initrd, append: image.append)
    let process = try QEMUProcess(
      qemu,
      configuration: configuration,
      platform: platform,
      secret: secret,
      directory: directory,
      wiring: wiring
    )
    started(process)
    do {
      stage(BootStage.kernel.word)
      let agent = try GuestAgent.connect(
        to: process.endpoint,
        machine: name,
        expecting: AgentImage.buildID,
        liveness: process.monitor,
        until: deadline
      )
      let machine = VirtualMachine(
        name: name,
        process: process,
        agent: agent,
        image: image,
        qemu: qemu,
        directory: directory
      )
      try machine.followKernelLog(from: .oldest, alsoTo: kernelLog, until: deadline)
      return machine
    } catch {
      let reached = process.console.reached
      process.kill()
      throw BootFailure(
        machine: name,
        stage: reached,
        reason:
          "\(error)\(Self.hint(image, reached: reached, initrd: configuration.boot.initrd, process.console))",
        console: process.console.tail()
      )
    }
  }

  /// What a boot that came so far most likely lacks.
  private static func hint(_ image: BootImage, reached: BootStage, initrd: String?, _ console: ConsoleLog)
    -> String
  {
    let hasNoRoot = console.tail(.max).contains {
      $0.contains("panic - not syncing: VFS: Unable to mount root fs")
    }
    if reached == .kernel, hasNoRoot {
      // It found no wrapper, which is packed after the user's initrd.
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
    process.monitor.expectEnd()
    for step in ShutdownStep.allCases {
      if process.child.poll() != nil { return step }
      let deadline = Deadline.after(step.limit)
      switch step {
      case .asked: try? agent.shutDown(until: deadline)
      case .quit: _ = try? process.qmp.command("quit", until: deadline)
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
  package var causeOfDeath: (any Error)? { process.monitor.causeOfDeath() }
}

extension String {
  /// What stands behind the first `mark`; nil when there is none.
  fileprivate func suffix(after mark: String) -> Substring? {
    firstRange(of: mark).map { self[$0.upperBound...] }
  }
}
