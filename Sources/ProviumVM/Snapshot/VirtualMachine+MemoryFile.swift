package import Logging
package import ProviumSystem

extension VirtualMachine {
  /// Moves the memory of a snapshot out of its stream into a file. VMs that are resumed from the snapshot then map it, and share
  /// the pages that they do not change, where each one would read the whole stream. Blocks. The guest does not run meanwhile.
  ///
  /// Nothing else may use the snapshot yet: its state is replaced. A snapshot that has a memory file is returned as it is.
  /// - Parameters:
  ///   - started: called when QEMU runs, so that another thread can end it.
  ///   - log: the debug log of the VM.
  /// - Throws: `SnapshotFailure`, `BootFailure`, `QEMUBinary.Failure`.
  package static func moveMemory(
    of snapshot: Snapshot,
    on host: MachineHost,
    until deadline: Deadline,
    started: (QEMUProcess) -> Void = { _ in },
    log: Logger = .silent
  ) throws -> Snapshot {
    guard snapshot.isStream, snapshot.kept == nil else { return snapshot }
    let loaded = try load(
      snapshot,
      on: host,
      writingTo: snapshot.memoryPath,
      until: deadline,
      started: started,
      log: log
    )
    defer { loaded.discard() }
    let state = "\(snapshot.folder)/new-state"
    try loaded.process.qmp.migrate(to: state, ignoringShared: true, until: deadline)
    try Files.rename(state, to: snapshot.statePath)
    var moved = snapshot
    moved.isStream = false
    return moved
  }
}
