import Glibc
package import ProviumAgentClient
package import ProviumSystem

/// One running QEMU, wired up: QMP, console and channel over inherited socket pairs.
package final class QEMUProcess: Sendable {
  package let child: ChildProcess
  package let watch: MachineWatch
  package let console: ConsoleLog
  /// How the agent inside is reached; whoever connects takes its descriptors over.
  package let endpoint: GuestEndpoint
  package let options: MachineOptions
  /// See `GuestSecret`; nil without vsock.
  package let secret: GuestSecret?
  /// Keeps the CID reserved as long as the machine lives.
  private let cid: GuestCID?

  /// What QEMU numbers the descriptors that it inherits.
  private enum Number {
    static let qmp: Int32 = 10
    static let console: Int32 = 11
    static let main: Int32 = 12
    static let control: Int32 = 13
    static let vhost: Int32 = 14
    static let migration: Int32 = 15
  }
  /// QEMU's number of an inherited state file.
  package static let migrationDescriptor = Number.migration

  /// Starts QEMU.
  /// - Parameters:
  ///   - secret: what the guest expects of whoever connects to it over vsock; nil: it has a serial port.
  ///   - directory: where the console and QEMU's errors are kept.
  ///   - incoming: a state file to resume from, inherited as `migrationDescriptor`.
  ///   - configure: fills in all but the wiring.
  package init(
    _ binary: QEMUBinary,
    secret: GuestSecret?,
    directory: String,
    incoming: Int32? = nil,
    configure: (inout MachineOptions) -> Void
  ) throws {
    let qmp = try Descriptor.socketPair(), serial = try Descriptor.socketPair()
    let errors = QEMUErrors(path: "\(directory)/qemu.stderr")
    let errorFile = try Descriptor.open(errors.path, O_WRONLY | O_CREAT | O_TRUNC)
    var descriptors = [
      1: errorFile.raw, 2: errorFile.raw, Number.qmp: qmp.theirs.raw, Number.console: serial.theirs.raw,
    ]
    descriptors[Number.migration] = incoming
    // Two pairs are cheap, and one shape of code for both channels is worth them.
    let main = try Descriptor.socketPair(), control = try Descriptor.socketPair()
    let cid = secret != nil ? try GuestCID.reserve() : nil
    let wiring: ChannelWiring
    switch cid {
    case .some(let cid):
      descriptors[Number.vhost] = cid.descriptor.raw
      wiring = .vsock(cid: cid.number, vhost: Number.vhost)
    case .none:
      descriptors[Number.main] = main.theirs.raw
      descriptors[Number.control] = control.theirs.raw
      wiring = .serial(main: Number.main, control: Number.control)
    }
    var options = MachineOptions(channel: wiring, qmp: Number.qmp, console: Number.console)
    configure(&options)
    let log = try ConsoleLog(path: "\(directory)/console.log")
    let child = try ChildProcess(
      executable: binary.path,
      arguments: QEMUCommand.arguments(options),
      directory: directory,
      descriptors: descriptors
    )
    self.child = child
    self.options = options
    self.cid = cid
    self.secret = secret
    console = log
    watch = try MachineWatch(
      process: child,
      qmp: qmp.takeOurs(),
      consoleSocket: serial.takeOurs(),
      console: log,
      errors: errors
    )
    if case .vsock(let number, _) = wiring, let secret {
      endpoint = .vsock(cid: number, secret: secret)
    } else {
      endpoint = .serial(main: main.takeOurs().release(), control: control.takeOurs().release())
    }
  }

  /// Ends QEMU now and waits until nothing of it is left. Twice is fine.
  package func kill() {
    watch.expectEnd()
    child.terminate()
    watch.join()
  }

  deinit { kill() }
}
