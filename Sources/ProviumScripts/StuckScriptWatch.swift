package import ProviumEvents
package import ProviumRuntime
import ProviumSystem

/// Gives up scripts that no longer react to their time limit, so that no script holds a run for ever.
///
/// A hook between a script's instructions ends a script. A script that is stuck in one function of Lua's
/// library runs no instruction (a pattern can backtrack exponentially), and its thread cannot be ended: it is
/// reported as failed, its VMs are ended, and its thread is left alone. Thread-safe.
package final class StuckScriptWatch: Sendable {
  private struct Entry {
    let scope: ScopeControl
    let giveUp: @Sendable (FileResult) -> Void
    let report: @Sendable () -> FileResult
    /// The time of the first of the last checks that all found it overdue and in its script. Nanoseconds of
    /// `Deadline.now`.
    var stuckSince: UInt64?
  }
  private struct State {
    var entries: [Int: Entry] = [:]
    var next = 0
    var isLooking = false
  }
  private let state = Monitor(State())

  /// The watch of the process: one thread, while scripts run.
  package static let shared = StuckScriptWatch()

  /// The longest time, in nanoseconds, that an overdue script may stay in one function of Lua's library.
  private static let grace: UInt64 = 5_000_000_000
  /// The time between two checks. There is no event for a script that becomes overdue or leaves a function of
  /// Lua's library.
  private static let interval = Duration.milliseconds(250)

  /// Runs `body`, which runs a script in `scope`, on this thread.
  /// - Parameters:
  ///   - path: the script's path in messages.
  ///   - giveUp: called instead, on another thread, if the script is given up.
  /// - Returns: the result of `body`; nil if the script was given up, and no caller may use this thread's
  ///   result.
  package func watching(
    _ scope: ScopeControl,
    path: String,
    fixtures: FixtureService,
    giveUp: @escaping @Sendable (FileResult) -> Void,
    _ body: () -> FileResult
  ) -> FileResult? {
    let started = Deadline.now
    let report: @Sendable () -> FileResult = {
      Self.report(scope, path: path, fixtures: fixtures, started: started)
    }
    let number = state.update { state -> Int in
      state.next += 1
      state.entries[state.next] = Entry(scope: scope, giveUp: giveUp, report: report)
      if !state.isLooking {
        // Without this thread, stuck scripts are not given up; everything else works.
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
      let overdue = state.read { state in
        state.entries.values.map(\.scope.innermost).filter { $0.overdue != nil }
      }
      for scope in overdue { scope.endPrograms() }
      for entry in takeStuck() { entry.giveUp(entry.report()) }
    }
  }

  private func takeStuck() -> [Entry] {
    state.update { state in
      let now = Deadline.now
      for (number, entry) in state.entries {
        let scope = entry.scope.innermost
        let isStuck = scope.overdue != nil && scope.isInScript
        state.entries[number]?.stuckSince = isStuck ? entry.stuckSince ?? now : nil
      }
      let stuck = state.entries.filter { now - ($0.value.stuckSince ?? now) >= Self.grace }
      for number in stuck.keys { state.entries[number] = nil }
      return Array(stuck.values)
    }
  }

  /// Ends the VMs and reservations of a scope whose thread does not return.
  /// - Returns: the result of the file.
  private static func report(
    _ scope: ScopeControl,
    path: String,
    fixtures: FixtureService,
    started: UInt64
  ) -> FileResult {
    let innermost = scope.innermost
    let (kind, reason) = innermost.overdue ?? (.infrastructure, "the script does not end")
    let message =
      "\(reason) during: \(innermost.ledger.activity); the script is stuck in a function of Lua's library "
      + "(a string pattern can take for ever) and was given up"
    for fixture in innermost.fixtures {
      fixtures.giveUp(fixture.place, name: fixture.name, because: message)
    }
    let console = innermost.consoleTail
    scope.cancellation.request(message)
    scope.releaseReservations()
    var failure = Failure(kind: kind, message: message, location: ScriptLocation(file: path, line: 1))
    failure.console = console
    return FileResult(
      file: scope.name,
      outcome: .failed(failure),
      subTests: scope.ledger.close(failure, file: scope.name),
      duration: Double(Deadline.now - started) / 1e9
    )
  }
}
