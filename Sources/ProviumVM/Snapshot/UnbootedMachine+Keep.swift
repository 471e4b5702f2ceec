package import ProviumSystem

extension UnbootedMachine {
  /// Writes the VM's state as `VirtualMachine.keep` does. Blocks.
  /// - Throws: `SnapshotFailure` if QEMU has ended.
  package func keep(in folder: String, until deadline: Deadline) throws -> (Snapshot, KeptCondition) {
    let writer = StateWriter(
      name: name,
      process: process,
      qemu: qemu,
      kernelRelease: image.release,
      shares: shares
    )
    return try writer.keep(in: folder, isPaused: false, hasQuiesced: { false }, until: deadline)
  }
}
