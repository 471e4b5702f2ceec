import Glibc
package import ProviumAgentClient
package import ProviumArchitecture
import ProviumSystem

/// A saved VM: its memory in a file that is mapped copy on write, and the state of its devices. The files are never changed.
///
///     FOLDER/memory       guest memory, sparse, as QEMU's memory-backend-file wrote it
///     FOLDER/state        a migration stream of the devices (x-ignore-shared), or of everything (`isStream`)
///     FOLDER/disk0 …      copies of writable disks; each resumed VM writes to its own overlay
package struct Snapshot: Sendable, Codable, Hashable {
  package var folder: String
  package var name: String
  /// Whether the state contains the memory, too: the saved VM had private memory.
  package var isStream: Bool
  /// The conditions that must be equal when it is resumed. QEMU does not notice every difference.
  package var conditions: SnapshotConditions
  /// The VM that was saved, without the contents of injected files, which are in its memory.
  package var configuration: MachineConfiguration
  /// The files of the disks, by the disk's number; a relative path is in `folder`. A disk that is missing here
  /// has its own image.
  package var diskFiles: [Int: DiskFile]
  package var kernelRelease: String?
  /// The VM was booted with injected files, whose contents `configuration` lacks: it cannot be booted again.
  package var lacksFiles: Bool?
  /// The agent's secret, which is in the guest's memory too; nil without vsock.
  package var secret: GuestSecret?
  /// The sequence number of the first record of the guest's kernel log that was not read before the save; nil: unknown.
  package var kernelLogPosition: UInt64?

  /// Where the memory of a VM that was kept while it lived on is; nil for a saved VM.
  package var kept: KeptMemory?

  package var memoryPath: String { "\(folder)/memory" }
  package var statePath: String { "\(folder)/state" }

  /// Bytes.
  package var memory: UInt64 { configuration.memory.bytes }
  package var cpus: Int { configuration.cpus }

  /// The names of its files in `folder`.
  package var fileNames: [String] {
    (kept == .changes ? KeptMemory.changesNames : ["memory"]) + ["state"]
      + configuration.servedDisks.flatMap(\.fileNames)
      + configuration.sharedFolders.indices.map(MachineShares.fileName)
      + diskFiles.sorted { $0.key < $1.key }.map(\.value.path).filter { !$0.hasPrefix("/") }
  }

  /// Links its files in another folder, or copies them to another file system. The files of a snapshot are never changed.
  package func linked(in other: String) throws -> Snapshot {
    try Files.createDirectories(other, mode: 0o700)
    for name in fileNames {
      let (path, target) = ("\(folder)/\(name)", "\(other)/\(name)")
      if link(path.cPath, target.cPath) != 0 { try Files.copySparse(path, to: target) }
    }
    var snapshot = self
    snapshot.folder = other
    return snapshot
  }

  /// The files of the disks that the guest may write to, with absolute paths, by the disk's number.
  package var writableDisks: [Int: DiskFile] {
    var files: [Int: DiskFile] = [:]
    for (number, disk) in configuration.allDisks.enumerated() where !disk.isReadOnly {
      var file = diskFiles[number] ?? DiskFile(path: disk.path, format: disk.format)
      file.path = Files.resolve(file.path, against: folder)
      files[number] = file
    }
    return files
  }

  /// The conditions of a resume on this host now.
  package func presentConditions(qemu: QEMUBinary, host: MachineHost) throws -> SnapshotConditions {
    .now(for: configuration, platform: host.platform(for: conditions.architecture), qemu: qemu)
  }
}

/// The conditions of a snapshot besides its files. With a wrong processor the guest hangs, and an extra device goes unnoticed,
/// so these values are compared before a resume.
package struct SnapshotConditions: Sendable, Codable, Hashable {
  package var qemu: String
  package var accelerator: String
  package var channel: String
  package var architecture: Architecture
  /// Of the host, with KVM: the guest sees it.
  package var processor: String
  /// SHA-256 of the arguments that QEMU resumes it with, and of the devices' identities: QEMU does not notice an extra device.
  package var arguments: String

  package static func now(
    for configuration: MachineConfiguration,
    platform: Platform,
    qemu: QEMUBinary
  ) -> SnapshotConditions {
    let identity = QEMUCommand.snapshotIdentity(configuration, on: platform)
    return SnapshotConditions(
      qemu: "\(qemu.version) \(qemu.path)",
      accelerator: platform.accelerator.rawValue,
      channel: platform.channel.rawValue,
      architecture: platform.architecture,
      processor: platform.accelerator == .kvm ? HostFacts.processorModel : "emulated",
      arguments: SHA256.hex(Array(identity.joined(separator: "\0").utf8))
    )
  }

  /// The first difference, in words; nil when there is none.
  /// - Parameter ignoringPath: QEMU may be at another path, as on another host.
  package func difference(from now: SnapshotConditions, ignoringPath: Bool = false) -> String? {
    func name(_ qemu: String) -> String {
      ignoringPath ? String(qemu.prefix { $0 != " " }) : qemu
    }
    let pairs = [
      ("QEMU", name(qemu), name(now.qemu)), ("the accelerator", accelerator, now.accelerator),
      ("the channel", channel, now.channel),
      ("the architecture", architecture.name, now.architecture.name),
      ("the processor", processor, now.processor),
      ("the digest of QEMU's arguments", arguments, now.arguments),
    ]
    return pairs.first { $0.1 != $0.2 }.map { "\($0.0) was \($0.1), and is \($0.2)" }
  }
}
