import ProviumSystem
import Synchronization

/// Ctrl-C, a fail-fast or a time limit of the whole run: asked by those who start things, and told to those that run.
package final class Interruption: Sendable {
  private struct State {
    var reason: String?
    var isImmediate = false
    var next = 0
    var listeners: [Int: FileSession] = [:]
  }
  private let state = Mutex(State())

  package init() {}

  /// Nothing new starts. What runs goes on.
  package func stopStarting(_ reason: String) {
    state.withLock { $0.reason = $0.reason ?? reason }
  }

  /// What runs is ended too, on this thread, once. All files hear of it before any machine goes: what one gives back must
  /// not start another.
  package func endEverything(_ reason: String) {
    let listeners = state.withLock { state -> [FileSession] in
      state.reason = state.reason ?? reason
      guard !state.isImmediate else { return [] }
      state.isImmediate = true
      return Array(state.listeners.values)
    }
    listeners.forEach { $0.hearOfEnd(reason) }
    listeners.forEach { $0.endMachines() }
  }

  /// Why nothing new may start; nil while all is well.
  package var reason: String? { state.withLock { $0.reason } }

  /// Interrupts `session` when everything is to end (at once, if it already is) while `body` runs.
  func listening<Result>(_ session: FileSession, while body: () throws -> Result) rethrows -> Result {
    let (number, already) = state.withLock { state -> (Int, String?) in
      state.next += 1
      state.listeners[state.next] = session
      return (state.next, state.isImmediate ? state.reason : nil)
    }
    defer { state.withLock { _ = $0.listeners.removeValue(forKey: number) } }
    if let already { session.interrupt(already) }
    return try body()
  }
}
