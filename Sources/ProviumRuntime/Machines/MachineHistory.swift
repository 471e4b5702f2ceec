import ProviumVM
import Synchronization

/// What the present state of a machine has behind it, told in stretches: one begins with each boot and each resume. By its
/// stretch a worker or a job is known to belong to the machine as it is now, or to one that was left.
struct MachineHistory {
  private static let count = Atomic(0)
  /// Unique in the process.
  let stretch = count.add(1, ordering: .relaxed).newValue
  private var earlier: Set<Int> = []

  /// A state that goes on from this one.
  var continued: MachineHistory {
    var next = MachineHistory()
    next.earlier = earlier.union([stretch])
    return next
  }

  func contains(_ stretch: Int) -> Bool { stretch == self.stretch || earlier.contains(stretch) }
}

/// A state to which a machine can go back, and what belongs to it.
struct RestorePoint {
  let snapshot: Snapshot
  let history: MachineHistory
}
