import Glibc
import ProviumSystem
import ProviumVM
import Synchronization

/// Keeps the VMs of failed tests, as many as the run may keep. Thread-safe.
final class FailureKeeper: Sendable {
  let store: FailureStore
  /// The failed tests of a run whose VMs are kept; 0: none.
  private let limit: Int
  private let count = Atomic<Int>(0)
  /// In the order of reports.
  let collectors: [any FailureCollector] = [
    KernelLogCollector(), TaskCollector(), MemoryCollector(), NetworkCollector(),
  ]

  init(store: FailureStore, limit: Int) {
    self.store = store
    self.limit = limit
  }

  /// Whether another failed test's VMs would be kept.
  var isOpen: Bool { count.load(ordering: .relaxed) < limit }

  /// Counts a failed test.
  /// - Returns: false when as many as allowed were counted before.
  func takeTurn() -> Bool { limit > 0 && count.add(1, ordering: .relaxed).oldValue < limit }
}

/// A VM that was saved and is not published yet: its test may still pass.
final class SavedFailure {
  let saving: FailureStore.Saving
  let snapshot: Snapshot
  let condition: KeptCondition
  let death: String?
  let duration: Double

  init(
    _ saving: FailureStore.Saving,
    snapshot: Snapshot,
    condition: KeptCondition,
    death: String?,
    duration: Double
  ) {
    self.saving = saving
    self.snapshot = snapshot
    self.condition = condition
    self.death = death
    self.duration = duration
  }
}
