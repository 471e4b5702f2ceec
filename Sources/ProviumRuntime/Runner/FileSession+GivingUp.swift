import ProviumEvents
import ProviumSystem
import Synchronization

/// What other threads may know of a session: whether it should have ended.
final class SessionVitals: Sendable {
  private struct State {
    var limit: TimeLimit?
    var interruptedFor: String?
    var started = Deadline.now
  }
  private let state = Mutex(State())

  /// The limit that ends the script next; nil while none counts.
  func set(_ limit: TimeLimit?) { state.withLock { $0.limit = limit } }
  func interrupted(_ reason: String) { state.withLock { $0.interruptedFor = $0.interruptedFor ?? reason } }
  func start() { state.withLock { $0.started = Deadline.now } }

  var started: UInt64 { state.withLock { $0.started } }
  /// Why the script should have ended by now; nil: it may go on.
  var overdue: (kind: FailureKind, reason: String)? {
    state.withLock { state in
      if let reason = state.interruptedFor { return (.infrastructure, reason) }
      guard let limit = state.limit, limit.deadline.isExpired else { return nil }
      return (.timeout, "\(limit.description) was reached")
    }
  }
}

/// For the watch, from its thread: they touch nothing but what locks itself.
extension FileSession {
  /// The innermost session: a fixture's script, while one is built.
  private var innermost: FileSession { innerSession?.innermost ?? self }

  var isOverdue: Bool { innermost.vitals.overdue != nil }

  /// Whether its script is in Lua, or a function of Lua's, and not in one of ours, which has a deadline.
  var isInScript: Bool { innermost.isRunningLua }

  /// What the script waits for on the host.
  func endPrograms() { innermost.endHostPrograms() }

  /// Ends what can be ended of a session whose thread will not come back, and says what came of the file.
  func giveUp() -> FileResult {
    let (kind, reason) = innermost.vitals.overdue ?? (.infrastructure, "the script does not end")
    let message =
      "\(reason) during: \(innermost.ledger.activity); the script is stuck in a function of Lua's library "
      + "(a string pattern can take for ever) and was given up"
    for place in innermost.fixtureChain {
      engine.fixtures.giveUp(place.place, name: place.name, because: message)
    }
    let console = innermost.machines.consoleTail
    interrupt(message)
    releaseClaims()
    var failure = Failure(
      kind: kind,
      message: message,
      location: ScriptLocation(file: file.displayPath, line: 1)
    )
    failure.console = console
    let results = ledger.close(failure, file: file.name, at: events.now)
    return FileResult(
      file: file.name,
      outcome: .failed(failure),
      subTests: results,
      duration: Double(Deadline.now - vitals.started) / 1e9
    )
  }
}
