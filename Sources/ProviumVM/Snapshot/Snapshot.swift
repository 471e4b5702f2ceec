package import ProviumAgentClient
import ProviumBoot
import ProviumSystem

/// A machine at rest: its memory as a file that is mapped copy on write, its devices' state beside it. Never written again.
///
///     FOLDER/memory       guest memory, sparse, as QEMU's memory-backend-file wrote it
///     FOLDER/state        a migration stream of the devices (x-ignore-shared), or of everything (`isStream`)
///     FOLDER/disk0 …      copies of writable disks; each resumed machine writes to an overlay of its own
package struct Snapshot: Sendable, Codable, Hashable {
  package var folder: String
  package var name: String
  /// The state holds the memory too: taken of a machine whose memory was private already.
  package var isStream: Bool
  /// What must be the same when it is resumed: a difference is not always noticed by QEMU.
  package var conditions: SnapshotConditions
  package var memory: UInt64
  package var cpus: Int
  package var disks: [DiskOptions]
  package var kernelRelease: String?
  /// Lies in its memory too, with vsock.
  package var secret: GuestSecret?

  package var memoryPath: String { "\(folder)/memory" }
  package var statePath: String { "\(folder)/state" }

  /// What it depends on, as that is now.
  package func presentConditions(qemu: QEMUBinary, host: MachineHost) throws -> SnapshotConditions {
    .now(for: try machine(on: host), qemu: qemu, host: host)
  }

  /// The machine that comes of it, but for its wiring and for where its files are.
  private func machine(on host: MachineHost) throws -> MachineOptions {
    let wiring: ChannelWiring =
      host.channel.kind == .vsock ? .vsock(cid: 0, vhost: 0) : .serial(main: 0, control: 0)
    var options = MachineOptions(channel: wiring, qmp: 0, console: 0)
    options.platform = try GuestPlatform.required(conditions.architecture)
    options.accelerator = host.accelerator(for: conditions.architecture).accelerator
    options.memory = memory
    options.cpus = cpus
    options.disks = disks
    return options
  }
}

extension MachineOptions {
  /// Without what differs from run to run and no guest can tell: paths, descriptors, CIDs, overlays, and what only a boot
  /// needs. Two machines whose states fit each other have the same.
  package var invariant: MachineOptions {
    let wiring: ChannelWiring =
      if case .vsock = channel { .vsock(cid: 0, vhost: 0) } else { .serial(main: 0, control: 0) }
    var options = MachineOptions(channel: wiring, qmp: 0, console: 0)
    options.platform = platform
    options.accelerator = accelerator
    options.memory = memory
    options.cpus = cpus
    options.disks = disks.map { DiskOptions(path: "", format: $0.format, isReadOnly: $0.isReadOnly) }
    options.backing = .privateFile("")
    options.isIncoming = true
    return options
  }
}

/// What a snapshot depends on besides its files. A wrong processor hangs the guest without a word, an extra device is not
/// noticed at all; so we compare.
package struct SnapshotConditions: Sendable, Codable, Hashable {
  package var qemu: String
  package var accelerator: String
  package var channel: String
  package var architecture: String
  /// Of the host, with KVM: the guest sees it.
  package var processor: String
  /// SHA-256 of the arguments that QEMU resumes it with: an extra device of ours is not noticed by QEMU either.
  package var arguments: String

  /// - Parameter machine: what is resumed; see `Snapshot.machine`.
  package static func now(for machine: MachineOptions, qemu: QEMUBinary, host: MachineHost)
    -> SnapshotConditions
  {
    let accelerator = host.accelerator(for: qemu.architecture).accelerator
    return SnapshotConditions(
      qemu: "\(qemu.version) \(qemu.path)",
      accelerator: accelerator.rawValue,
      channel: host.channel.kind.rawValue,
      architecture: qemu.architecture,
      processor: accelerator == .kvm ? HostFacts.processorModel : "emulated",
      arguments: SHA256.hex(Array(QEMUCommand.arguments(machine.invariant).joined(separator: "\0").utf8))
    )
  }

  /// The first difference, in words; nil when there is none.
  package func difference(from now: SnapshotConditions) -> String? {
    let pairs = [
      ("QEMU", qemu, now.qemu), ("the accelerator", accelerator, now.accelerator),
      ("the channel", channel, now.channel),
      ("the architecture", architecture, now.architecture), ("the processor", processor, now.processor),
      ("the digest of QEMU's arguments", arguments, now.arguments),
    ]
    return pairs.first { $0.1 != $0.2 }.map { "\($0.0) was \($0.1), and is \($0.2)" }
  }
}
