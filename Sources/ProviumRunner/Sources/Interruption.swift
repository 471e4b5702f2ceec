import ProviumRuntime
package import ProviumSystem
import Synchronization

/// The request to end a whole run early: Ctrl-C, or a limit of the run. Thread-safe.
package final class Interruption: Sendable {
  private struct State {
    var reason: String?
    var isImmediate = false
    var next = 0
    var listeners: [Int: Cancellation] = [:]
  }
  private let state = Mutex(State())
  /// Raised when no new file may start. Never lowered.
  package let event: EventDescriptor

  package init() throws { event = try EventDescriptor() }

  /// Lets running files continue and starts no new one. The first reason is kept.
  package func stopStarting(_ reason: String) {
    state.withLock { $0.reason = $0.reason ?? reason }
    event.raise()
  }

  /// Starts no new file and ends the running ones. Idempotent.
  ///
  /// Stops all files before it ends any VM, so that freed memory does not admit a new one.
  package func endEverything(_ reason: String) {
    stopStarting(reason)
    let listeners = state.withLock { state -> [Cancellation] in
      guard !state.isImmediate else { return [] }
      state.isImmediate = true
      return Array(state.listeners.values)
    }
    listeners.forEach { $0.requestStop(reason) }
    listeners.forEach { $0.endMachines() }
  }

  /// Why no new file may start; nil if the run continues.
  package var reason: String? { state.withLock { $0.reason } }

  /// Runs `body` and ends the scope if everything is to end meanwhile; at once if that was requested before.
  func listening<Result>(_ scope: Cancellation, while body: () throws -> Result) rethrows -> Result {
    let (number, already) = state.withLock { state -> (Int, String?) in
      state.next += 1
      state.listeners[state.next] = scope
      return (state.next, state.isImmediate ? state.reason : nil)
    }
    defer { state.withLock { _ = $0.listeners.removeValue(forKey: number) } }
    if let already { scope.request(already) }
    return try body()
  }
}
