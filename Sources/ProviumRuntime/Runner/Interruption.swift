import ProviumSystem
import Synchronization

/// Ctrl-C, a fail-fast or a time limit of the whole run: asked by those who start things, and told to those that run.
package final class Interruption: Sendable {
  private struct State {
    var reason: String?
    var isImmediate = false
    var next = 0
    var listeners: [Int: @Sendable (String) -> Void] = [:]
  }
  private let state = Mutex(State())

  package init() {}

  /// Nothing new starts. What runs goes on.
  package func stopStarting(_ reason: String) {
    state.withLock { $0.reason = $0.reason ?? reason }
  }

  /// What runs is ended too: its listeners are called, on this thread, once.
  package func endEverything(_ reason: String) {
    let listeners = state.withLock { state -> [@Sendable (String) -> Void] in
      state.reason = state.reason ?? reason
      guard !state.isImmediate else { return [] }
      state.isImmediate = true
      return Array(state.listeners.values)
    }
    listeners.forEach { $0(reason) }
  }

  /// Why nothing new may start; nil while all is well.
  package var reason: String? { state.withLock { $0.reason } }

  /// Calls `listener` when everything is to end (at once, if it already is) while `body` runs.
  package func listening<Result>(
    _ listener: @escaping @Sendable (String) -> Void,
    while body: () throws -> Result
  ) rethrows -> Result {
    let (number, already) = state.withLock { state -> (Int, String?) in
      state.next += 1
      state.listeners[state.next] = listener
      return (state.next, state.isImmediate ? state.reason : nil)
    }
    defer { state.withLock { _ = $0.listeners.removeValue(forKey: number) } }
    if let already { listener(already) }
    return try body()
  }
}
