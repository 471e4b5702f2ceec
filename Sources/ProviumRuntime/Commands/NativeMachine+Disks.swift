package import ProviumBlock

/// Served disks, and boots that keep them.
extension NativeMachine {
  package func disk(_ id: String) throws -> BlockDisk { try present().disk(id) }

  /// Cuts the power of the VM.
  /// - Returns: the losses of the disk `id`.
  package func cutPower(of id: String, survival: Double, seed: UInt64?) throws -> PowerCut {
    let machine = try present()
    _ = try machine.disk(id)
    return try machine.cutPower(survival: survival, seed: seed)[id] ?? PowerCut()
  }

  package func resizeDisk(_ id: String, to size: UInt64) throws { try present().resizeDisk(id, to: size) }

  package func detachDisk(_ id: String) throws { try present().detachDisk(id) }

  package func attachDisk(_ id: String) throws { try present().attachDisk(id) }

  package func reset() throws { try present().reset() }

  package func reboot() throws { try present().reboot() }
}
