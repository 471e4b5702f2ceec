import Glibc
package import Logging
package import ProviumAgentClient
package import ProviumBlock
package import ProviumSystem
import Synchronization

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
  /// The debug log of the VM.
  package let log: Logger
  /// See `GuestSecret`; nil without vsock.
  package let secret: GuestSecret?
  /// The disks that this process provides, by id.
  package let disks: [String: BlockDisk]
  /// The servers of the disks that the guest has, by id.
  let diskServers: Mutex<[String: NBDServer]>
  /// The USB disks that were attached again, by id.
  let replugged = Mutex<Set<String>>([])
  /// This process's ends of the network devices' connections that were not taken, by the device's number.
  private let frameSockets = Mutex<[Int: FrameSocket]>([:])
  /// QEMU's ends of these connections, where they are kept.
  private let frameEnds: [FrameSocket]
  /// The numbers of the network devices that the guest does not have.
  let unplugged: Mutex<Set<Int>>
  private final class FrameSocket: Sendable {
    let descriptor: Mutex<Descriptor?>
    init(_ descriptor: consuming Descriptor) { self.descriptor = Mutex(descriptor) }
    func set(_ new: consuming Descriptor?) {
      var new = consume new
      descriptor.withLock { $0 = new.take() }
    }
  }
  /// This process's end of the share port; nil over vsock, or once it was taken.
  private let shareSocket: Mutex<Descriptor?>
  /// The memory for long replies of shares; nil: the VM has no such device.
  let shareWindow: ShareWindow?
  /// Keeps the vsock context ID reserved as long as the VM lives.
  private let vhost: Descriptor?

  /// The name of an inherited state file.
  package static let stateDescriptor = "state"

  /// Starts QEMU.
  /// - Parameters:
  ///   - servers: start it.
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
    disks: [String: BlockDisk] = [:],
    state: String? = nil,
    servers: ForkServers,
    log: Logger = .silent
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
    let consoleLog = try ConsoleLog(path: "\(directory)/console.log")
    let arguments = QEMUCommand.arguments(configuration, on: platform, wiring: wiring)
    log.debug("QEMU: \(ShellWord.line([binary.path] + arguments))")
    let child = try servers.start(
      binary.path,
      arguments,
      directory: directory,
      descriptors: descriptors.inherited.merging([1: errorFile.raw, 2: errorFile.raw]) { $1 },
      failed: { log.debug("fork server: \($0)") }
    )
    self.child = child
    self.configuration = configuration
    self.platform = platform
    self.wiring = wiring
    self.log = log
    self.secret = secret
    self.disks = disks
    var servers: [String: NBDServer] = [:]
    for device in configuration.servedDisks {
      guard let disk = disks[device.id] else { continue }
      servers[device.id] = try NBDServer(disk, on: try descriptors.takeOurs(device.descriptor))
    }
    diskServers = Mutex(servers)
    vhost = descriptors.takeBack(VsockDevice.descriptor)
    if let memory = descriptors.takeBack(ShareWindowDevice.descriptor) {
      shareWindow = try ShareWindow(memory)
    } else {
      shareWindow = nil
    }
    console = consoleLog
    reports = KernelReportFinder(isBoot: !wiring.isIncoming)
    qmp = QMPClient(try descriptors.takeOurs(QEMUCommand.qmpDescriptor), log: log)
    monitor = try MachineMonitor(
      process: child,
      qmp: qmp,
      consoleSocket: try descriptors.takeOurs(ConsoleDevice.descriptor),
      log: consoleLog,
      reports: reports,
      errors: errors,
      pausesAtShutdown: wiring.pausesAtShutdown
    )
    let devices = configuration.networkDevices
    unplugged = Mutex(Set(devices.indices.filter { !devices[$0].isPlugged }))
    frameEnds =
      wiring.keepsFrameEnds
      ? try configuration.networkDevices.indices.map {
        FrameSocket(try descriptors.duplicateTheirs(NetworkDevice.name($0)))
      } : []
    for number in devices.indices {
      let socket = FrameSocket(try descriptors.takeOurs(NetworkDevice.name(number)))
      frameSockets.withLock { $0[number] = socket }
    }
    if let secret {
      shareSocket = Mutex(nil)
      endpoint = .vsock(cid: wiring.contextID, secret: secret)
    } else {
      shareSocket = Mutex(try descriptors.takeOurs(AgentPortsDevice.share))
      endpoint = .serial(
        main: try descriptors.takeOurs(AgentPortsDevice.main).release(),
        control: try descriptors.takeOurs(AgentPortsDevice.control).release()
      )
    }
  }

  /// Takes this process's end of a network device's connection, which carries Ethernet frames; nil if it was taken before, or if
  /// there is no such device. The caller owns it.
  package func takeFrameSocket(of number: Int) -> Descriptor? {
    guard let socket = frameSockets.withLock({ $0.removeValue(forKey: number) }) else { return nil }
    return socket.descriptor.withLock { $0.take() }
  }

  /// Takes this process's end of the share port; nil over vsock. The caller owns it.
  func takeShareSocket() -> Descriptor? { shareSocket.withLock { $0.take() } }

  /// QEMU's end of a network device's connection, which stays this object's; nil where it is not kept.
  package func frameEnd(of number: Int) -> Int32? {
    frameEnds.indices.contains(number) ? frameEnds[number].descriptor.withLock { $0?.raw } : nil
  }

  func setFrameEnd(_ descriptor: consuming Descriptor?, of number: Int) {
    if frameEnds.indices.contains(number) { frameEnds[number].set(descriptor) }
  }

  func addFrameSocket(_ descriptor: consuming Descriptor, of number: Int) {
    let socket = FrameSocket(descriptor)
    frameSockets.withLock { $0[number] = socket }
  }

  /// Ends QEMU now and waits until nothing of it is left. Idempotent.
  package func kill() {
    monitor.expectEnd()
    child.terminate()
    monitor.join()
    for server in diskServers.withLock({ Array($0.values) }) { server.stop() }
  }

  deinit { kill() }
}
