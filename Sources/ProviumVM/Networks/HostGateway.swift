import Glibc
import ProviumJSON
package import ProviumSystem
import Synchronization

/// The way from a network of VMs to the networks of this computer: a QEMU without a machine, which translates addresses
/// (user-mode networking). It needs no privilege. Thread-safe.
package final class HostGateway: Sendable {
  /// The gateway could not be started, or refused a forward.
  package struct Failure: Error, Sendable, CustomStringConvertible {
    package let description: String
  }

  private let child: ChildProcess
  /// QMP. Held by one caller at a time.
  private let monitor: Mutex<Descriptor>
  private let frames: Mutex<Descriptor?>
  private let errors: QEMUErrors
  private static let limit = Duration.seconds(10)
  private static let network = "host"

  /// Starts the gateway and blocks until it answers.
  /// - Parameters:
  ///   - subnet: an IPv4 subnet: `10.7.0.0/24`.
  ///   - address: of the gateway, in the subnet. Connections to it reach this computer's loopback interface.
  ///   - nameServer: an address of the subnet that answers as this computer's name server.
  ///   - errorFile: where QEMU's errors are kept.
  package init(
    _ binary: QEMUBinary,
    subnet: String,
    address: String,
    nameServer: String,
    errorFile: String
  ) throws {
    errors = QEMUErrors(path: errorFile)
    let output = try Descriptor.open(errorFile, O_WRONLY | O_CREAT | O_TRUNC)
    let descriptors = LaunchDescriptors()
    try descriptors.addSocketPair(QEMUCommand.qmpDescriptor)
    try descriptors.addPacketPair("frames")
    let numbers = descriptors.numbers
    child = try ChildProcess(
      executable: binary.path,
      arguments: Self.arguments(
        subnet: subnet,
        address: address,
        nameServer: nameServer,
        monitor: numbers[QEMUCommand.qmpDescriptor] ?? -1,
        frames: numbers["frames"] ?? -1
      ),
      descriptors: descriptors.inherited.merging([1: output.raw, 2: output.raw]) { $1 }
    )
    monitor = Mutex(try descriptors.takeOurs(QEMUCommand.qmpDescriptor))
    frames = Mutex(try descriptors.takeOurs("frames"))
    do { _ = try ask("qmp_capabilities", []) } catch {
      child.terminate()
      let reason = errors.tail.filter { !$0.contains("hub 0 with no nics") }.joined(separator: "; ")
      throw Failure(
        description: "QEMU could not connect a network to this host: \(reason.isEmpty ? "\(error)" : reason)"
          + (Self.isWithoutUserNetwork(reason)
            ? " (\(binary.path) is built without user-mode networking: install one with libslirp)" : "")
      )
    }
  }

  private static func arguments(
    subnet: String,
    address: String,
    nameServer: String,
    monitor: Int32,
    frames: Int32
  ) -> [String] {
    [
      "-nodefaults", "-no-user-config", "-display", "none", "-machine", "none",
      "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
      "-chardev", "socket,id=qmp,fd=\(monitor)", "-mon", "chardev=qmp,mode=control",
      "-netdev", "user,id=\(network),net=\(subnet),host=\(address),dns=\(nameServer),ipv6=off",
      "-netdev", "dgram,id=frames,local.type=fd,local.str=\(frames)",
      // A hub connects the two.
      "-netdev", "hubport,id=port0,hubid=0,netdev=\(network)",
      "-netdev", "hubport,id=port1,hubid=0,netdev=frames",
    ]
  }

  /// Whether QEMU says that it has no user-mode networking: 7.2 in the first way, later versions in the second one.
  static func isWithoutUserNetwork(_ message: String) -> Bool {
    message.contains("expects a netdev backend type") || message.contains("network backend 'user'")
  }

  /// Takes this process's end of the connection, which carries Ethernet frames; nil if it was taken before. The caller owns it.
  package func takeFrameSocket() -> Descriptor? { frames.withLock { $0.take() } }

  /// Forwards connections to a TCP port of this computer's loopback interface to a VM.
  /// - Parameter address: of the VM.
  /// - Throws: `Failure` for a port that another program uses.
  package func forward(port: UInt16, to address: String, _ guestPort: UInt16) throws {
    let rule = "hostfwd_add \(Self.network) tcp:127.0.0.1:\(port)-\(address):\(guestPort)"
    let answer = try ask("human-monitor-command", [.init("command-line", .string(rule))])
    guard let text = answer.string, text.trimmed.isEmpty else {
      throw Failure(
        description:
          "the port \(port) of this host cannot be forwarded: another program uses it, or it is below 1024"
      )
    }
  }

  /// Ends the gateway. Idempotent.
  package func stop() { child.terminate() }

  private func ask(_ command: String, _ members: [JSONValue.Member]) throws -> JSONValue {
    let deadline = Deadline.after(Self.limit)
    return try monitor.withLock { socket in
      try Files.writeAll(QMPCommand.line(command, members: members), to: socket.raw, path: "QMP")
      var line: [UInt8] = []
      while true {
        guard try Readiness.waitReadable(socket.raw, until: deadline) else {
          throw QMPError.timedOut(command: command)
        }
        var byte: UInt8 = 0
        let count = read(socket.raw, &byte, 1)
        if count < 0, errno == EINTR || errno == EAGAIN { continue }
        guard count == 1 else { throw Failure(description: "it has ended") }
        guard byte == 0x0a else {
          line.append(byte)
          continue
        }
        switch QMPMessage(line: line) {
        case .reply(let value)?: return value
        case .failure(let reason)?: throw QMPError.refused(command: command, reason: reason)
        default: line.removeAll()
        }
      }
    }
  }

  deinit { stop() }
}
