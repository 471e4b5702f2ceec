package import ProviumEvents
import ProviumSystem

/// Sees to it that no script holds a run for ever. A script is ended by a hook between its instructions; one that is stuck in a
/// single function of Lua's library (a string pattern may take longer than the world will last) comes to no hook, and its
/// thread cannot be ended. So it is given up: reported as failed, its machines ended, its thread left alone.
package final class StuckWatch: Sendable {
  private struct Entry {
    let session: FileSession
    let giveUp: @Sendable (FileResult) -> Void
    /// Since when it has been overdue at every look, and in no function of ours.
    var stuckSince: UInt64?
  }
  private struct State {
    var entries: [Int: Entry] = [:]
    var next = 0
    var isLooking = false
  }
  private let state = Monitor(State())

  /// How long a script that should have ended may stay in one function of Lua's.
  private static let grace: UInt64 = 5_000_000_000
  /// Nothing tells when a script becomes overdue, or leaves a function.
  private static let interval = Duration.milliseconds(250)

  /// Runs `body`, which runs `session`, on this thread.
  /// - Parameter giveUp: called instead, on another thread, when the session is given up.
  /// - Returns: nil when it was; nobody waits for this thread then.
  package func watching(
    _ session: FileSession,
    giveUp: @escaping @Sendable (FileResult) -> Void,
    _ body: () -> FileResult
  ) -> FileResult? {
    let number = state.update { state -> Int in
      state.next += 1
      state.entries[state.next] = Entry(session: session, giveUp: giveUp)
      if !state.isLooking {
        // Without the thread the run has no guard, and works all the same.
        state.isLooking =
          (try? DedicatedThread(name: "stuck", stackSize: 512 << 10) { [self] in look() }) != nil
      }
      return state.next
    }
    let result = body()
    let isKnown = state.update { $0.entries.removeValue(forKey: number) != nil }
    return isKnown ? result : nil
  }

  private func look() {
    while true {
      let isOver: Void? = state.wait(until: .after(Self.interval)) { state in
        guard state.entries.isEmpty else { return nil }
        state.isLooking = false
        return ()
      }
      if isOver != nil { return }
      let overdue = state.read { state in state.entries.filter { $0.value.session.isOverdue } }
      for entry in overdue.values { entry.session.endPrograms() }
      for entry in takeStuck() { entry.giveUp(entry.session.giveUp()) }
    }
  }

  private func takeStuck() -> [Entry] {
    state.update { state in
      let now = Deadline.now
      for (number, entry) in state.entries {
        let isStuck = entry.session.isOverdue && entry.session.isInScript
        state.entries[number]?.stuckSince = isStuck ? entry.stuckSince ?? now : nil
      }
      let stuck = state.entries.filter { now - ($0.value.stuckSince ?? now) >= Self.grace }
      for number in stuck.keys { state.entries[number] = nil }
      return Array(stuck.values)
    }
  }
}
