import Glibc
package import ProviumSystem

extension VirtualMachine {
  /// Saves the VM's state in `folder`, and ends the VM, also if saving fails. Blocks.
  ///
  /// The memory of a VM that was booted with `MemoryBacking.sharedFile` is in its file already. A VM with private memory
  /// writes a stream of its memory and devices.
  package func save(to folder: String, host: MachineHost, until deadline: Deadline) throws -> Snapshot {
    do {
      try settle(until: deadline)
      try process.pause(until: deadline)
      return try store(to: folder, host: host, until: deadline)
    } catch {
      kill()
      throw error
    }
  }

  /// Prepares a VM that runs for `store`.
  package func settle(until deadline: Deadline) throws {
    // Reports up to here are this VM's. What the kernel logs later is read by the VMs that are resumed.
    catchUpWithReports(until: deadline)
    // The agent is at the boundary of a request, and nothing is on its way to it.
    try agent.quiesce(until: deadline)
  }

  /// Saves the state of a VM that has settled and was stopped, and ends the VM.
  package func store(to folder: String, host: MachineHost, until deadline: Deadline) throws -> Snapshot {
    let isStream: Bool
    if case .sharedFile(let path) = process.wiring.memory {
      isStream = false
      if path != "\(folder)/memory" { try Files.rename(path, to: "\(folder)/memory") }
    } else {
      isStream = true
    }
    process.reports.stop()
    // A request that was not answered is sent again by the resumed guest.
    shares.stop()
    process.shareWindow?.clear()
    try shares.save(to: folder)
    for disk in configuration.servedDisks {
      if let contents = process.disks[disk.id] { try disk.save(contents, to: folder) }
    }
    let diskFiles = try stateWriter.saveDisks(to: folder, until: deadline)
    try process.qmp.migrate(to: "\(folder)/state", ignoringShared: !isStream, until: deadline)
    process.monitor.expectEnd()
    _ = try? process.qmp.command("quit", until: .after(.seconds(2)))
    _ = try? process.child.wait(until: .after(.seconds(5)))
    kill()
    return stateWriter.describeSnapshot(in: folder, isStream: isStream, diskFiles: diskFiles)
  }
}
