package import Logging
package import ProviumSystem

extension Snapshot {
  /// Moves the memory out of the stream into a file. VMs that are resumed from the snapshot then map it, and share the
  /// pages that they do not change, where each one would read the whole stream. Blocks. The guest does not run meanwhile.
  ///
  /// Nothing else may use the snapshot yet: its state is replaced. A snapshot that has a memory file is returned as it is.
  /// - Parameters:
  ///   - started: called when QEMU runs, so that another thread can end it.
  ///   - log: the debug log of the VM.
  /// - Throws: `SnapshotFailure`, `BootFailure`, `QEMUBinary.Failure`.
  package func withMemoryFile(
    on host: MachineHost,
    until deadline: Deadline,
    started: (QEMUProcess) -> Void = { _ in },
    log: Logger = .silent
  ) throws -> Snapshot {
    guard isStream, kept == nil else { return self }
    let loaded = try VirtualMachine.load(
      self,
      on: host,
      writingTo: memoryPath,
      until: deadline,
      started: started,
      log: log
    )
    defer { loaded.discard() }
    let state = "\(folder)/new-state"
    try loaded.process.qmp.migrate(to: state, ignoringShared: true, until: deadline)
    try Files.rename(state, to: statePath)
    var snapshot = self
    snapshot.isStream = false
    return snapshot
  }
}
