package import Logging
import ProviumAgentImage
package import ProviumAgentClient
package import ProviumBlock
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
  /// The folders of the host that the guest sees.
  package let shares: MachineShares

  package var console: ConsoleLog { process.console }
  package var connection: AgentConnection { agent.connection }
  package var configuration: MachineConfiguration { process.configuration }
  /// The debug log.
  package var log: Logger { process.log }

  init(
    name: String,
    process: QEMUProcess,
    agent: GuestAgent,
    image: BootImage,
    qemu: QEMUBinary,
    directory: String,
    shares: MachineShares
  ) {
    self.shares = shares
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
    logOperations()
  }

  private func logOperations() {
    guard log.logLevel <= .debug else { return }
    agent.operations.observe { [log] in log.debug("\($0)") }
  }

  /// Where the memory and the disks of a boot are, besides the configuration's own places.
  package struct Storage: Sendable {
    package var memory = MemoryBacking.anonymous
    /// Copies that replace disks, by the disk's number in `MachineConfiguration.allDisks`.
    package var diskFiles: [Int: DiskFile] = [:]
    /// The disks of `MachineConfiguration.servedDisks` that exist already, by id. The others are made.
    package var servedDisks: [String: BlockDisk] = [:]
    /// See `LaunchWiring.keepsFrameEnds`.
    package var keepsFrameEnds = false

    package init() {}
  }

  /// Boots a VM and blocks until its agent answers. A vmlinux that was unpacked from a bzImage and ends before its first
  /// message is followed by one boot of the bzImage.
  /// - Parameters:
  ///   - configuration: with all settings of its profile.
  ///   - name: for messages.
  ///   - stage: called at each stage of the boot, on this thread.
  ///   - built: called with what the VM is made from, before it starts.
  ///   - started: called when QEMU runs, so that another thread can end it.
  ///   - failed: called with a VM that did not boot, before it is ended.
  ///   - kernelLog: called with the guest's kernel log from its first message on, see `GuestAgent.followKernelLog`.
  ///   - log: the debug log of the VM.
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
    failed: (UnbootedMachine) -> Void = { _ in },
    kernelLog: (@Sendable (KernelLogBatch) -> Void)? = nil,
    log: Logger = .silent
  ) throws -> VirtualMachine {
    try configuration.validate()
    let architecture = try configuration.boot.requiredArchitecture
    let platform = host.platform(for: architecture)
    if configuration.hasFastClock, platform.accelerator == .kvm {
      throw InvalidConfiguration(.clock, .refused("cannot be fast with KVM: run with --accel tcg"))
    }
    let qemu = try host.qemu(for: architecture)
    var configuration = configuration
    if let root = configuration.rootShare {
      configuration.rootShare = try RootCache(cache: host.cache, architecture: architecture)
        .prepare(root, progress: stage, digest: host.images.digest)
    }
    let image = try host.images.build(
      configuration.boot,
      drivers: configuration.kernelModules(on: platform),
      progress: stage
    )
    built(image)
    let launch = Launch(
      name: name,
      configuration: configuration,
      platform: platform,
      qemu: qemu,
      storage: storage,
      host: host,
      deadline: deadline,
      kernelLog: kernelLog,
      log: log
    )
    do { return try launch.run(image, stage: stage, started: started, failed: failed) } catch let failure
      as SilentEntry
    {
      guard let bzImage = image.bzImage else { throw failure.boot }
      var whole = image
      whole.kernel = bzImage.path
      whole.bzImage = nil
      whole.remarks.append(
        "\(bzImage.path): its vmlinux, entered by PVH, \(failure.end) before its first message "
          + "(is its entry code instrumented?); Provium boots the bzImage of this kernel from now on"
      )
      do {
        let machine = try launch.run(whole, stage: stage, started: started, failed: failed)
        host.images.entries.remember(bzImage)
        return machine
      } catch let second as SilentEntry { throw second.boot }
    }
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

  /// Asks the guest to power off, waits, then ends QEMU. Idempotent.
  @discardableResult
  package func shutdown() -> ShutdownStep {
    process.monitor.expectEnd()
    if process.wiring.pausesAtShutdown {
      let limit = Deadline.after(.seconds(2))
      _ = try? process.qmp.command("set-action", ["shutdown": .string("poweroff")], until: limit)
    }
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

  /// Ends QEMU now. Idempotent, thread-safe.
  package func kill() { finish() }

  private func finish() {
    process.kill()
    shares.stop()
    agent.close()
  }

  /// The machine's own folder: after the console has been read.
  package func discardDirectory() { try? Files.removeTree(directory) }

  /// The machine's cause of death; nil while it lives.
  package var causeOfDeath: (any Error)? { process.monitor.causeOfDeath() }
}
