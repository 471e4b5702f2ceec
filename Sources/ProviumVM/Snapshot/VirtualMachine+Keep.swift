package import ProviumSystem

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
    try stateWriter.keep(
      in: folder,
      isPaused: isPaused,
      hasQuiesced: { [self] in
        (try? agent.quiesce(until: .earliest(deadline, .after(StateWriter.patience)))) != nil
      },
      until: deadline
    )
  }

  var stateWriter: StateWriter {
    StateWriter(name: name, process: process, qemu: qemu, kernelRelease: image.release, shares: shares)
  }
}
