import Glibc
import ProviumAgentClient
import ProviumBoot
import ProviumVM
import ProviumSystem

/// QEMU with the same kernel and options, and nothing of Provium in the guest: what the figures are held against.
struct BareMachine {
  let host: MachineHost
  let qemu: QEMUBinary
  let kernel: String
  let append: String
  private let distribution: DistributionKernel
  private let folder: String

  /// - Parameter append: the kernel command line of Provium's own boot, so that both do the same.
  init(host: MachineHost, image: BootImage, folder: String) throws {
    self.host = host
    self.folder = folder
    qemu = try host.qemu(for: .host)
    distribution = try DistributionKernel.prepare(
      cache: host.cache,
      architecture: .host,
      progress: { _ in }
    )
    kernel = image.kernel
    append = image.append.split(separator: " ").filter {
      !$0.hasPrefix("rdinit=") && !$0.hasPrefix("provium.")
    }.joined(separator: " ")
  }

  /// The same, with the command line of a VM that is booted for it.
  init(host: MachineHost, folder: String) throws {
    let machine = try VirtualMachine.boot(
      MachineConfiguration(),
      name: "image",
      on: host,
      until: .after(.seconds(60))
    )
    defer { machine.kill() }
    try self.init(host: host, image: machine.image, folder: folder)
  }

  struct Failure: Error, CustomStringConvertible { let description: String }

  private func start(
    initrd: String,
    memory: UInt64 = 512 << 20,
    backing: MemoryBacking = .anonymous,
    state: String? = nil
  ) throws -> QEMUProcess {
    let directory = try host.run.machineDirectory()
    var configuration = MachineConfiguration()
    configuration.memory = MemorySize(bytes: memory)
    var wiring = LaunchWiring()
    wiring.memory = backing
    wiring.isIncoming = state != nil
    if state == nil {
      wiring.kernel = LaunchKernel(kernel: kernel, initrd: initrd, append: append + " rdinit=/init")
    }
    var platform = host.platform(for: try .host)
    // No vsock: the bare guest has a serial port.
    platform.channel = .virtioSerial
    return try QEMUProcess(
      qemu,
      configuration: configuration,
      platform: platform,
      secret: nil,
      directory: directory,
      wiring: wiring,
      disks: [:],
      state: state,
      // As another program would start it.
      servers: ForkServers(isEnabled: false)
    )
  }

  // MARK: A boot to the first line

  /// From nothing to the line that a two-line init prints.
  func bootToLine() throws {
    var archive = CpioArchive()
    archive.addDirectory("dev")
    archive.addCharacterDevice("dev/console", major: 5, minor: 1)
    archive.addFile("busybox", try Files.read(distribution.busybox), mode: 0o755)
    archive.addFile(
      "init",
      Array("#!/busybox sh\necho THE-INIT-RUNS\nexec /busybox sleep 1000\n".utf8),
      mode: 0o755
    )
    let initrd = "\(folder)/line.cpio"
    if !Files.exists(initrd) { try Files.write(archive.finished(), to: initrd) }
    let process = try start(initrd: initrd)
    defer { process.kill() }
    let deadline = Deadline.after(.seconds(60))
    while !process.console.tail(10).contains(where: { $0.contains("THE-INIT-RUNS") }) {
      if deadline.isExpired { throw Failure(description: "the bare machine printed no line") }
      usleep(500)
    }
  }

  // MARK: A channel without an agent

  /// A guest whose PID 1 answers on the port; `program` is `bare.c`, compiled.
  func bootChannel(program: String, backing: MemoryBacking = .anonymous) throws -> BareChannel {
    let tree = try ModuleTree(distribution.modules)
    var archive = CpioArchive()
    archive.addDirectory("dev")
    archive.addCharacterDevice("dev/console", major: 5, minor: 1)
    archive.addFile("init", try Files.read(program), mode: 0o755)
    archive.addFile("busybox", try Files.read(distribution.busybox), mode: 0o755)
    let order = try tree.loadOrder(["virtio_pci", "virtio_console"])
    for module in order { archive.addFile("\(module).ko", try tree.contents(of: module)) }
    archive.addFile("modules.list", Array(order.map { "/\($0).ko\n" }.joined().utf8))
    let initrd = "\(folder)/channel.cpio"
    try Files.write(archive.finished(), to: initrd)
    let channel = try BareChannel(try start(initrd: initrd, backing: backing))
    try channel.echo([1], seconds: 60)
    return channel
  }

  /// Saves the VM of the channel. Its memory is in the file that it was started with.
  func save(_ channel: BareChannel, to state: String) throws {
    let deadline = Deadline.after(.seconds(30))
    try channel.process.qmp.command("stop", until: deadline)
    try channel.process.qmp.migrate(to: state, ignoringShared: true, until: deadline)
    channel.process.kill()
  }

  /// From the files of `save` to the first answer.
  func resume(memory: String, state: String) throws -> BareChannel {
    let deadline = Deadline.after(.seconds(30))
    let process = try start(initrd: "", backing: .privateFile(memory), state: state)
    try process.qmp.load(
      from: process.wiring.descriptor(QEMUProcess.stateDescriptor),
      ignoringShared: true,
      until: deadline
    )
    try process.qmp.command("cont", until: deadline)
    let channel = try BareChannel(process)
    try channel.echo([1], seconds: 30)
    return channel
  }
}

/// The host's side of `bare.c`.
final class BareChannel {
  let process: QEMUProcess
  private let port: Int32

  init(_ process: QEMUProcess) throws {
    self.process = process
    guard case .serial(let main, let control) = process.endpoint else {
      throw BareMachine.Failure(description: "the bare channel is virtio-serial")
    }
    port = main
    close(control)
  }

  deinit {
    process.kill()
    close(port)
  }

  func echo(_ bytes: [UInt8], seconds: Int32 = 5) throws {
    try send("E", bytes.count, bytes)
    _ = try receive(bytes.count, seconds)
  }
  /// Returns when a shell of the guest's has run `true`.
  func runShell() throws {
    try send("X", 0, [])
    _ = try receive(1, 60)
  }
  /// - Parameter file: into a file of the guest's; else they are thrown away.
  func put(_ bytes: [UInt8], file: Bool = false) throws {
    try send(file ? "P" : "R", bytes.count, bytes)
    _ = try receive(1, 60)
  }
  /// - Parameter file: from the file that was put; else whatever is in the guest's memory.
  func get(_ count: Int, file: Bool = false) throws {
    try send(file ? "G" : "W", count, [])
    _ = try receive(count, 60)
  }

  private func send(_ operation: Character, _ count: Int, _ bytes: [UInt8]) throws {
    var message = [operation.asciiValue ?? 0]
    withUnsafeBytes(of: UInt32(count)) { message += $0 }
    message += bytes
    try Files.writeAll(message, to: port, path: "the bare channel")
  }

  private func receive(_ count: Int, _ seconds: Int32) throws -> Int {
    var buffer = [UInt8](repeating: 0, count: min(count, 1 << 20))
    var rest = count
    while rest > 0 {
      var ready = pollfd(fd: port, events: Int16(POLLIN), revents: 0)
      guard poll(&ready, 1, seconds * 1000) > 0 else {
        throw BareMachine.Failure(description: "the bare machine does not answer")
      }
      let n = read(port, &buffer, min(rest, buffer.count))
      guard n > 0 else { throw BareMachine.Failure(description: "the bare channel ended") }
      rest -= n
    }
    return count
  }
}
