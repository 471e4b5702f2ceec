import Glibc
import ProviumJSON
import ProviumSystem

/// Writes the state of a VM: its disks, its memory, its devices. It does not need the VM's agent.
struct StateWriter {
  let name: String
  let process: QEMUProcess
  let qemu: QEMUBinary
  let kernelRelease: String?
  let shares: MachineShares

  /// How long an agent may take to answer before it counts as dead.
  static let patience = Duration.seconds(5)
  private var configuration: MachineConfiguration { process.configuration }

  /// See `VirtualMachine.keep`.
  /// - Parameter hasQuiesced: brings the agent to the boundary of a request; false: it did not answer.
  func keep(in folder: String, isPaused: Bool, hasQuiesced: () -> Bool, until deadline: Deadline) throws -> (
    Snapshot, KeptCondition
  ) {
    guard process.child.poll() == nil else {
      throw SnapshotFailure(description: "QEMU has ended")
    }
    let death = process.monitor.causeOfDeath()
    let before = try status(until: deadline)
    let isAnswering = !before.isStopped && death == nil && !isPaused && hasQuiesced()
    if !before.isStopped { try process.pause(until: deadline) }
    // A kernel that panics resets its VM at any moment up to the pause.
    let isStopped = try status(until: deadline).isStopped
    let result = Result { try write(to: folder, until: deadline) }
    if before == .running, !isStopped, !isPaused { try process.proceed(until: deadline) }
    return (try result.get(), isStopped ? .stopped : isAnswering ? .running : .unresponsive)
  }

  private enum Status {
    case running, stopped, other
    var isStopped: Bool { self == .stopped }
  }

  /// Whether the processors run, or are stopped for ever. After the VM's death, also lets commands through again.
  private func status(until deadline: Deadline) throws -> Status {
    if process.monitor.causeOfDeath() != nil { process.qmp.allowCommands() }
    return switch try process.qmp.command("query-status", until: deadline)["status"]?.string {
    case "running": .running
    case "guest-panicked", "shutdown": .stopped
    default: .other
    }
  }

  private func write(to folder: String, until deadline: Deadline) throws -> Snapshot {
    for disk in configuration.servedDisks {
      if let contents = process.disks[disk.id] { try disk.save(contents, to: folder) }
    }
    try shares.save(to: folder)
    let diskFiles = try saveDisks(to: folder, copyingAll: true, until: deadline)
    let form = try writeMemory(to: folder, until: deadline)
    try process.qmp.saveDevices(to: "\(folder)/state", until: deadline)
    var snapshot = describeSnapshot(in: folder, isStream: false, diskFiles: diskFiles)
    snapshot.kept = form
    return snapshot
  }

  private func writeMemory(to folder: String, until deadline: Deadline) throws -> KeptMemory {
    switch process.wiring.memory {
    case .sharedFile(let path): try Files.copySparse(path, to: "\(folder)/memory")
    case .anonymous: try ProcessMemory(of: process, until: deadline).writeWhole(to: "\(folder)/memory")
    case .privateFile(let path):
      // The file is never changed: a link keeps it when its snapshot is removed. Another file system needs a copy.
      let base = "\(folder)/base"
      if link(path.cPath, base.cPath) != 0 { try Files.copySparse(path, to: base) }
      try ProcessMemory(of: process, until: deadline).writeChanges(to: "\(folder)/changes")
      return .changes
    }
    return .whole
  }

  /// Describes the VM as it is now: everything that a resume of the files in `folder` needs to know.
  func describeSnapshot(in folder: String, isStream: Bool, diskFiles: [Int: DiskFile]) -> Snapshot {
    var saved = configuration
    saved.boot.files = []
    saved.setPlugged { process.isPlugged($0) }
    saved.takeSizes(of: process.disks)
    saved.devices += shares.all.map(\.device).dropFirst(configuration.sharedFolders.count)
    return Snapshot(
      folder: folder,
      name: name,
      isStream: isStream,
      conditions: .now(for: saved, platform: process.platform, qemu: qemu),
      configuration: saved,
      diskFiles: diskFiles,
      kernelRelease: kernelRelease,
      lacksFiles: configuration.boot.files.isEmpty ? nil : true,
      secret: process.secret,
      kernelLogPosition: process.reports.nextSequence
    )
  }

  /// Copies the disks whose writes are in an overlay that ends with QEMU: the guest's kernel has read them as written.
  /// - Returns: the files of the disks in the snapshot, by the disk's number.
  /// - Parameter copyingAll: also copies disks whose files the VM goes on to write.
  func saveDisks(to folder: String, copyingAll: Bool = false, until deadline: Deadline) throws -> [Int:
    DiskFile]
  {
    var files: [Int: DiskFile] = [:]
    for (number, disk) in configuration.allDisks.enumerated() {
      var file = process.wiring.file(ofDisk: number, disk)
      if file.discardsWrites || copyingAll, !disk.isReadOnly {
        let name = Disk.drive(number)
        try process.qmp.copyDisk(number, to: "\(folder)/\(name)", until: deadline)
        file = DiskFile(path: name)
      } else if file.path.hasPrefix("\(folder)/") {
        // Relative: the folder is renamed when the snapshot is published.
        file.path = String(file.path.dropFirst(folder.count + 1))
      }
      files[number] = file
    }
    return files
  }
}
