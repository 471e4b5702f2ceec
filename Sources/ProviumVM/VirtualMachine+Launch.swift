import Logging
import ProviumAgentClient
import ProviumAgentImage
import ProviumBoot
import ProviumSystem

extension VirtualMachine {
  /// One launch of QEMU with a kernel. Blocks until the agent answers.
  struct Launch {
    let name: String
    let configuration: MachineConfiguration
    let platform: Platform
    let qemu: QEMUBinary
    let storage: Storage
    let host: MachineHost
    let deadline: Deadline
    /// Receives the guest's kernel log from its first message on.
    let kernelLog: (@Sendable (KernelLogBatch) -> Void)?
    let log: Logger

    /// - Throws: `SilentEntry` if the image is a vmlinux from a bzImage and the guest ends before its first message; otherwise `BootFailure`.
    /// - Parameter failed: called with a VM that did not boot and is not launched again, before it is ended.
    func run(
      _ image: BootImage,
      stage: (String) -> Void,
      started: (QEMUProcess) -> Void,
      failed: (UnbootedMachine) -> Void
    ) throws -> VirtualMachine {
      let configuration = configurationWithWindow()
      let directory = try host.run.machineDirectory()
      let secret = platform.channel == .vsock ? GuestSecret.random() : nil
      let initrd =
        try secret.map { try image.initrd(with: $0.bytes, at: "\(directory)/initrd") } ?? image.initrd
      stage(BootStage.qemu.word)
      var wiring = LaunchWiring()
      wiring.memory = storage.memory
      wiring.pausesAtShutdown = host.keepsFailures
      wiring.diskFiles = storage.diskFiles
      wiring.keepsFrameEnds = storage.keepsFrameEnds
      wiring.kernel = LaunchKernel(kernel: image.kernel, initrd: initrd, append: image.append)
      var disks = storage.servedDisks
      for disk in configuration.servedDisks where disks[disk.id] == nil {
        disks[disk.id] = try disk.make(in: host.run.path)
      }
      let shares = try MachineShares(configuration.sharedFolders, wiring: wiring)
      let process = try QEMUProcess(
        qemu,
        configuration: configuration,
        platform: platform,
        secret: secret,
        directory: directory,
        wiring: wiring,
        disks: disks,
        servers: host.forkServers,
        log: log
      )
      started(process)
      let entry = image.bzImage == nil ? nil : try KernelEntryWatch(process)
      defer { entry?.end() }
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
          directory: directory,
          shares: shares
        )
        try machine.followKernelLog(from: .oldest, alsoTo: kernelLog, until: deadline)
        try machine.mountShares(until: deadline)
        return machine
      } catch {
        let reached = process.console.reached
        // Read before `kill`: an end that `kill` causes is not reported as silent.
        let silent = image.bzImage == nil || reached > .qemu ? nil : entry?.silentEnd
        if silent == nil {
          failed(
            UnbootedMachine(
              name: name,
              process: process,
              qemu: qemu,
              image: image,
              shares: shares,
              reason: "\(error)"
            )
          )
        }
        process.kill()
        shares.stop()
        let failure = BootFailure(
          machine: name,
          stage: reached,
          reason:
            "\(error)\(Self.hint(image, reached: reached, initrd: configuration.boot.initrd, process.console))",
          console: process.console.tail()
        )
        guard let silent else { throw failure }
        try? Files.removeTree(directory)
        // The next launch begins with empty memory.
        if case .sharedFile(let memory) = storage.memory { try? Files.removeTree(memory) }
        throw SilentEntry(end: silent, boot: failure)
      }
    }

    /// The configuration with a window for long replies, if the VM has shares that gain by it.
    private func configurationWithWindow() -> MachineConfiguration {
      var result = configuration
      let gains = platform.accelerator == .tcg && platform.channel == .virtioSerial
      if gains, qemu.hasSharedMemoryDevice, !configuration.sharedFolders.isEmpty {
        result.devices.append(ShareWindowDevice())
      }
      return result
    }

    /// Returns a hint at the likely cause of a boot that ended at a stage; empty: none is known.
    private static func hint(_ image: BootImage, reached: BootStage, initrd: String?, _ console: ConsoleLog)
      -> String
    {
      let first = image.append.split(separator: " ").last { $0.hasPrefix("rdinit=") }
      if reached == .kernel, let first, first != "rdinit=/provium-wrapper" {
        return
          "; \(first) on the kernel's command line starts another program than Provium's wrapper: take it out, and name the guest's init with init = \"…\""
      }
      let hasNoRoot = console.tail(.max).contains {
        $0.contains("panic - not syncing: VFS: Unable to mount root fs")
      }
      if reached == .kernel, hasNoRoot {
        // The kernel found no wrapper, which is packed after the user's initrd.
        guard let initrd else {
          return "; the kernel did not unpack its initramfs (was it built without CONFIG_BLK_DEV_INITRD?)"
        }
        let said = console.tail(.max).compactMap { $0.suffix(after: "Initramfs unpacking failed: ") }.last
        return
          "; the kernel could not unpack \(initrd)\(said.map { " (it says: \($0))" } ?? ""): is it whole, and packed in a way that this kernel was built for?"
      }
      guard reached >= .modules, !image.hasModules else { return "" }
      return
        "; no modules were found for the guest's kernel; if its virtio drivers are modules, set modules = \"…\" to their folder"
    }
  }

  /// A boot that ended before the first message of a vmlinux that was unpacked from a bzImage.
  struct SilentEntry: Error {
    /// A verb: `reset the VM`.
    let end: String
    let boot: BootFailure
  }
}

extension String {
  /// The text after the first `mark`; nil when there is none.
  fileprivate func suffix(after mark: String) -> Substring? {
    firstRange(of: mark).map { self[$0.upperBound...] }
  }
}
