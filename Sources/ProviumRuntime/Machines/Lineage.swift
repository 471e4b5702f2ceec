import ProviumBlock
import ProviumVM
import Synchronization

/// The epochs that led to the present state of a VM. An epoch begins with each boot and each resume. By its epoch, a
/// worker or a job is known to belong to the VM as it is now, or to a state that was left.
package struct Lineage {
  private static let count = Atomic(0)
  /// The present epoch. Unique in the process.
  package let epoch = count.add(1, ordering: .relaxed).newValue
  private var earlier: Set<Int> = []

  /// The lineage of a state that continues this one.
  var continued: Lineage {
    var next = Lineage()
    next.earlier = earlier.union([epoch])
    return next
  }

  package func contains(_ epoch: Int) -> Bool { epoch == self.epoch || earlier.contains(epoch) }
}

/// A saved state of a VM, with the lineage that it continues.
struct RestorePoint {
  let snapshot: Snapshot
  let lineage: Lineage
  /// The faults of the VM's disks, by id, which are not in the snapshot's files.
  let faults: [String: FaultPolicy]
  /// The connections with networks that the VM had, and whether their links were up.
  let interfaces: [NetworkInterface]
  let links: [Bool]

  init(
    snapshot: Snapshot,
    lineage: Lineage,
    faults: [String: FaultPolicy] = [:],
    interfaces: [NetworkInterface]
  ) {
    self.snapshot = snapshot
    self.lineage = lineage
    self.faults = faults
    self.interfaces = interfaces
    links = interfaces.map(\.isUp)
  }
}
