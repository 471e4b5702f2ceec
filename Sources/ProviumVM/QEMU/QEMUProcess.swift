import Glibc
package import ProviumAgentClient
package import ProviumBlock
package import ProviumSystem

/// One running QEMU, wired up: QMP, console and channel over inherited socket pairs.
package final class QEMUProcess: Sendable {
  package let child: ChildProcess
  package let monitor: MachineMonitor
  package let qmp: QMPClient
  package let console: ConsoleLog
  /// The reports of the guest's kernel.
  package let reports: KernelReportFinder
  /// How the agent inside is reached; whoever connects takes its descriptors over.
  package let endpoint: GuestEndpoint
  package let configuration: MachineConfiguration
  package let platform: Platform
  package let wiring: LaunchWiring
  /// See `GuestSecret`; nil without vsock.
  package let secret: GuestSecret?
  /// The disks that this process provides, by id.
  package let disks: [String: BlockDisk]
  private let diskServers: [NBDServer]
  /// Keeps the vsock context ID reserved as long as the VM lives.
  private let vhost: Descriptor?

  /// The name of an inherited state file.
  package static let stateDescriptor = "state"

  /// Starts QEMU.
  /// - Parameters:
  ///   - secret: what the guest expects from whoever connects to it over vsock; nil: it has a serial port.
  ///   - directory: where the console and QEMU's errors are kept.
  ///   - wiring: without descriptors, which this initializer opens.
  ///   - disks: those of `configuration.servedDisks`, by id.
  ///   - state: the path of a state file to resume from, inherited as `stateDescriptor`.
  package init(
    _ binary: QEMUBinary,
    configuration: MachineConfiguration,
    platform: Platform,
    secret: GuestSecret?,
    directory: String,
    wiring: LaunchWiring,
    disks: [String: BlockDisk],
    state: String? = nil
  ) throws {
    let descriptors = LaunchDescriptors()
    try descriptors.addSocketPair(QEMUCommand.qmpDescriptor)
    if let state { descriptors.add(Self.stateDescriptor, try Descriptor.open(state, O_RDONLY)) }
    for device in configuration.allDevices(on: platform) { try device.openDescriptors(descriptors) }
    var wiring = wiring
    wiring.descriptors = descriptors.numbers
    wiring.contextID = descriptors.contextID
    let errors = QEMUErrors(path: "\(directory)/qemu.stderr")
    let errorFile = try Descriptor.open(errors.path, O_WRONLY | O_CREAT | O_TRUNC)
    let log = try ConsoleLog(path: "\(directory)/console.log")
    let child = try ChildProcess(
      executable: binary.path,
      arguments: QEMUCommand.arguments(configuration, on: platform, wiring: wiring),
      directory: directory,
      descriptors: descriptors.inherited.merging([1: errorFile.raw, 2: errorFile.raw]) { $1 }
    )
    self.child = child
    self.configuration = configuration
    self.platform = platform
    self.wiring = wiring
    self.secret = secret
    self.disks = disks
    diskServers = try configuration.servedDisks.compactMap { device in
      guard let disk = disks[device.id] else { return nil }
      return try NBDServer(disk, on: try descriptors.takeOurs(device.descriptor))
    }
    vhost = descriptors.takeBack(VsockDevice.descriptor)
    console = log
    reports = KernelReportFinder(isBoot: !wiring.isIncoming)
    qmp = QMPClient(try descriptors.takeOurs(QEMUCommand.qmpDescriptor))
    monitor = try MachineMonitor(
      process: child,
      qmp: qmp,
      consoleSocket: try descriptors.takeOurs(ConsoleDevice.descriptor),
      log: log,
      reports: reports,
      errors: errors
    )
    if let secret {
      endpoint = .vsock(cid: wiring.contextID, secret: secret)
    } else {
      endpoint = .serial(
        main: try descriptors.takeOurs(AgentPortsDevice.main).release(),
        control: try descriptors.takeOurs(AgentPortsDevice.control).release()
      )
    }
  }

  /// Ends QEMU now and waits until nothing of it is left. Idempotent.
  package func kill() {
    monitor.expectEnd()
    child.terminate()
    monitor.join()
    for server in diskServers { server.stop() }
  }

  deinit { kill() }
}
