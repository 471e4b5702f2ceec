package import ProviumBlock
import ProviumSystem
import ProviumVM

/// The disks that this process provides: `boot{disks = {{id = "data"}}}`.
extension Machine {
  /// Returns a disk of the present or the last VM.
  /// - Throws: `ProviumError` with `.invalidUse` if there is none of that id.
  package func disk(_ id: String) throws -> BlockDisk {
    try checkMayUse()
    if let disk = disks[id] { return disk }
    let hint = NearestName.hint(for: id, among: Array(disks.keys))
    let known =
      disks.isEmpty
      ? "it has no disk with an id" : "its disks: \(disks.keys.sorted().joined(separator: ", "))"
    throw ProviumError(.invalidUse, "\(label) has no disk '\(id)'\(hint); \(known)")
  }

  /// Cuts the power: the VM ends at this moment, and its disks lose what was not durable.
  /// - Parameters:
  ///   - survival: the probability with which each change that is not durable survives.
  ///   - seed: chooses the survivors; nil: by the seed of each disk.
  /// - Returns: the losses of each disk, by id.
  @discardableResult
  package func cutPower(survival: Double = 0, seed: UInt64? = nil) throws -> [String: PowerCut] {
    let machine = try usable()
    context.activity("cutting the power of \(label)")
    defer {
      machine.kill()
      end(.shutdown, reason: "the power was cut")
    }
    // In the order of their ids: a seed gives the same result each time.
    var cuts: [String: PowerCut] = [:]
    for (id, disk) in disks.sorted(by: { $0.key < $1.key }) {
      cuts[id] = try disk.cutPower(survival: survival, seed: seed)
    }
    return cuts
  }

  /// Boots the VM again with the settings of its last boot and with its disks as they are. A VM that runs is ended as by a
  /// reset button: its disks keep their power, and lose nothing.
  package func reset() throws { try bootAgain { kill("reset") } }

  /// Asks the guest to shut down, as `shutDown` does, and boots the VM again with the settings of its last boot and with its
  /// disks as they are.
  package func reboot() throws { try bootAgain { shutDown() } }

  /// - Parameter end: ends the VM, if it runs.
  private func bootAgain(after end: () -> Void) throws {
    guard state != .created else {
      throw ProviumError(.invalidUse, "the machine is not booted yet: call vm:boot() first")
    }
    guard let configuration = bootConfiguration else {
      throw ProviumError(
        .invalidUse,
        "the machine comes from a fixture whose boot had injected files, which the fixture does not keep: "
          + "boot it in this file, or let the fixture write the files by other means"
      )
    }
    end()
    for disk in disks.values { disk.restorePower() }
    var present = configuration
    present.takeSizes(of: disks)
    try boot(present, disks: disks)
  }

  // MARK: Changes while the VM runs

  /// Gives a disk another size, and tells the guest. Everything that the guest has written becomes durable.
  /// - Parameter size: bytes.
  package func resizeDisk(_ id: String, to size: UInt64) throws {
    try changeDisk("resize the disk \(id)", id) { try $0.resizeDisk(id, to: size, until: $1) }
  }

  /// Takes a disk away from the guest. Its contents stay as they are.
  package func detachDisk(_ id: String) throws {
    try changeDisk("detach the disk \(id)", id) { try $0.detachDisk(id, until: $1) }
  }

  /// Gives a disk that was detached back to the guest.
  package func attachDisk(_ id: String) throws {
    try changeDisk("attach the disk \(id)", id) { try $0.attachDisk(id, until: $1) }
  }

  private func changeDisk(_ what: String, _ id: String, _ body: (QEMUProcess, Deadline) throws -> Void) throws
  {
    let machine = try usable()
    _ = try disk(id)
    do {
      try guarded(what, on: machine, allowance: .zero) { try body(machine.process, $0) }
    } catch let error as ProviumError {
      guard let refusal = error.cause as? QEMUProcess.DiskRefusal else { throw error }
      throw ProviumError(.invalidUse, "\(refusal)", cause: refusal)
    }
  }

  /// - Throws: the reason why a request to a disk failed by no fault that the test asked for.
  func checkDisks(of machine: VirtualMachine) throws {
    for (id, disk) in machine.process.disks {
      if let problem = disk.takeProblem() {
        throw ProviumError(.storage, "the disk '\(id)' of \(label): \(problem)", cause: problem)
      }
    }
  }

  /// - Throws: `ProviumError` with `.invalidUse` for a disk whose device QEMU cannot save.
  func checkDisksCanBeSaved(of machine: VirtualMachine) throws {
    for disk in machine.configuration.servedDisks where disk.model == .nvme {
      throw ProviumError(
        .invalidUse,
        "the disk '\(disk.id)' is an NVMe disk, whose state QEMU cannot save: fixtures, snapshots and fresh sub-tests "
          + "need model = \"virtio-blk\" or \"virtio-scsi\""
      )
    }
    if let id = machine.process.repluggedDisks.first {
      throw ProviumError(
        .invalidUse,
        "the USB disk '\(id)' was attached again, and QEMU cannot load its state: no fixture, snapshot or fresh sub-test of "
          + "this VM is possible until it is reset"
      )
    }
    if let id = machine.process.detachedDisks.first {
      throw ProviumError(
        .invalidUse,
        "the disk '\(id)' is detached: fixtures, snapshots and fresh sub-tests need it attached (disk:attach())"
      )
    }
  }
}
