import Glibc
package import ProviumEvents
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
  let collectors: [any FailureCollector] = [KernelLogCollector(), TaskCollector(), MemoryCollector()]

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

extension MachineSet {
  /// Keeps the VMs of a failed test and gathers facts about them, if VMs are kept and the run has not kept enough.
  /// - Parameters:
  ///   - path: the names of the sub-test; empty: outside sub-tests.
  ///   - use: the count of operations when the test began: the VMs with a later use are its own.
  /// - Returns: the failure with what was kept. A VM that could not be kept is a warning; the failure stays what it is.
  package func keep(_ failure: Failure, of path: [String], since use: UInt64) -> Failure {
    let keeper = context.services.failures
    guard failure.kind != .inner, !context.cancellation.isRequested else { return failure }
    let machines = used(since: use).filter { $0.mayBeKept }
    guard !machines.isEmpty, keeper.takeTurn() else { return failure }
    var result = failure
    let kept = machines.compactMap { machine -> KeptVM? in
      do { return try machine.keep(failure, of: path) } catch {
        let reason = "\((error as? ProviumError)?.message ?? "\(error)")"
        context.events.send(
          .warning(file: context.name, text: "\(machine.label) could not be kept: \(reason)")
        )
        return nil
      }
    }
    // After the VMs are kept: looking changes them.
    let facts = machines.flatMap { $0.collectFacts() }
    if !kept.isEmpty { result.kept = kept }
    if !facts.isEmpty { result.facts = facts }
    return result
  }
}
