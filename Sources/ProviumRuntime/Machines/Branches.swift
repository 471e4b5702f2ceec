package import ProviumSystem
import Synchronization

/// Functions of a scope that run side by side, each on a thread of its own. One thread at a time has the turn, and with it
/// everything that belongs to the scope. A thread gives the turn up while it waits for a guest. Thread-safe.
package final class Branches: Sendable {
  private struct State {
    /// The tickets of the turn: threads get it in the order in which they asked.
    var nextTicket: UInt64 = 0
    var serving: UInt64 = 0
    /// Counts what a thread can wait for: a VM that is free again, a branch that has ended.
    var changes: UInt64 = 0
    var hasEnded = false
    var places: UInt64 = 0
  }
  private let state = Monitor(State())
  private let end = EndDeadline()

  package init() {}

  /// Expires when the branches are to end.
  package var deadline: Deadline { Deadline(source: end) }
  /// Whether the branches are to end: one of them has failed.
  package var haveEnded: Bool { state.read { $0.hasEnded } }

  /// Makes all branches end: their operations in guests are interrupted. Idempotent.
  package func endAll() {
    end.expire()
    state.update {
      $0.hasEnded = true
      $0.changes += 1
    }
  }

  /// Asks for the turn, which is taken by `takeTurn` with the number that is returned.
  package func askForTurn() -> UInt64 {
    state.update { state in
      defer { state.nextTicket += 1 }
      return state.nextTicket
    }
  }

  /// Blocks until this thread has the turn.
  /// - Parameter ticket: nil: asks for the turn now.
  package func takeTurn(_ ticket: UInt64? = nil) {
    let ticket = ticket ?? askForTurn()
    _ = state.wait(until: .never) { $0.serving == ticket ? true : nil }
  }

  /// Gives the turn to the next thread.
  package func giveTurn() { state.update { $0.serving += 1 } }

  /// Wakes the threads in `waitForChange`.
  package func noteChange() { state.update { $0.changes += 1 } }

  /// A number that no other place in the queue of a VM has.
  func newPlace() -> UInt64 {
    state.update {
      $0.places += 1
      return $0.places
    }
  }

  /// The number to hand to `waitForChange`.
  package var changes: UInt64 { state.read { $0.changes } }

  /// Blocks until there was a change after `seen`. Called without the turn.
  package func waitForChange(after seen: UInt64) {
    _ = state.wait(until: .never) { $0.changes != seen ? true : nil }
  }

  /// There is no event that a deadline could pass on, so it asks ten times a second whether the branches are to end.
  private final class EndDeadline: DeadlineSource {
    private static let interval: UInt64 = 100_000_000
    private let isOver = Atomic(false)

    func expire() { isOver.store(true, ordering: .relaxed) }
    var nanoseconds: UInt64 { isOver.load(ordering: .relaxed) ? 0 : Deadline.now + Self.interval }
    func isExpired() -> Bool { isOver.load(ordering: .relaxed) }
  }
}

/// The branches that use one VM, the one that uses it now first. Belongs to the branch that has the turn.
final class BranchQueue {
  private(set) var places: [UInt64] = []

  func append(_ place: UInt64) { places.append(place) }
  func remove(_ place: UInt64) { places.removeAll { $0 == place } }
}
