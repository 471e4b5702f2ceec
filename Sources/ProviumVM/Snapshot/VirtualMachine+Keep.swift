import Glibc
import ProviumAgentImage
import ProviumBoot
import ProviumJSON
package import ProviumSystem

/// The state of a guest that was kept after a failure.
package enum KeptCondition: String, Sendable, Codable {
  /// Its agent answered.
  case running
  /// It ran, and its agent was dead or did not answer.
  case unresponsive
  /// Its kernel had panicked, or it had powered off or reset itself: it runs no more.
  case stopped
}

extension VirtualMachine {
  /// Writes the VM's state into `folder` and leaves the VM as it is: also a VM whose agent is lost or whose kernel has panicked.
  /// Blocks.
  ///
  /// A VM that was resumed from a snapshot writes the pages that it has changed, and links the snapshot's memory. Every other VM
  /// writes its memory.
  /// - Parameter isPaused: the VM's processors stay stopped.
  /// - Throws: `SnapshotFailure` if QEMU has ended. After an error the VM is as it was.
  package func keep(in folder: String, isPaused: Bool, until deadline: Deadline) throws -> (
    Snapshot, KeptCondition
  ) {
    guard process.child.poll() == nil else {
      throw SnapshotFailure(description: "QEMU has ended")
    }
    let death = causeOfDeath
    if death != nil { process.qmp.allowCommands() }
    let state = try process.qmp.command("query-status", until: deadline)["status"]?.string ?? ""
    let isStopped = state == "guest-panicked" || state == "shutdown"
    let condition: KeptCondition =
      isStopped ? .stopped : death == nil && hasQuiesced(isPaused, until: deadline) ? .running : .unresponsive
    if !isStopped { try process.pause(until: deadline) }
    let result = Result { try write(to: folder, until: deadline) }
    if state == "running", !isPaused { try process.proceed(until: deadline) }
    return (try result.get(), condition)
  }

  /// How long an agent may take to answer before it counts as dead.
  private static let patience = Duration.seconds(5)

  /// Whether the agent is at the boundary of a request.
  private func hasQuiesced(_ isPaused: Bool, until deadline: Deadline) -> Bool {
    !isPaused && (try? agent.quiesce(until: .earliest(deadline, .after(Self.patience)))) != nil
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
}
