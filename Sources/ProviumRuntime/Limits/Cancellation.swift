package import ProviumSystem
import Synchronization

/// The request to end a scope early, and its effects. Thread-safe: any thread may ask, and wait.
///
/// Two steps, so that a whole run can stop all scopes before it ends any VM: freed memory must not admit a new VM.
package final class Cancellation: Sendable {
  private struct State {
    var reason: String?
    var hasEnded = false
    var stopHandlers: [@Sendable (String) -> Void] = []
    var endHandlers: [@Sendable () -> Void] = []
    var children: [Cancellation] = []
  }
  private let state = Monitor(State())

  package init() {}

  /// Why the scope is to end; nil while it may continue. The first reason is kept.
  package var reason: String? { state.read { $0.reason } }
  package var isRequested: Bool { reason != nil }

  /// Stops the scope: nothing new begins, waits of its thread end. Its VMs still run. Idempotent.
  package func requestStop(_ reason: String) {
    let now = state.update { state -> State in
      state.reason = state.reason ?? reason
      return state
    }
    let first = now.reason ?? reason
    for handler in now.stopHandlers { handler(first) }
    for child in now.children { child.requestStop(first) }
  }

  /// Ends the scope's VMs, for which its thread may wait. Idempotent.
  package func endMachines() {
    let now = state.update { state -> State in
      state.hasEnded = true
      return state
    }
    for handler in now.endHandlers { handler() }
    for child in now.children { child.endMachines() }
  }

  /// Stops the scope and ends its VMs. Idempotent.
  package func request(_ reason: String) {
    requestStop(reason)
    endMachines()
  }

  /// Calls `handler` for each request to stop, on the requesting thread; at once if there was one.
  package func onStop(_ handler: @escaping @Sendable (String) -> Void) {
    let reason = state.update { state -> String? in
      state.stopHandlers.append(handler)
      return state.reason
    }
    if let reason { handler(reason) }
  }

  /// Calls `handler` for each request to end the VMs, on the requesting thread; at once if there was one.
  package func onEnd(_ handler: @escaping @Sendable () -> Void) {
    let hasEnded = state.update { state -> Bool in
      state.endHandlers.append(handler)
      return state.hasEnded
    }
    if hasEnded { handler() }
  }

  /// Runs `body`, during which requests reach `child` too; earlier ones reach it at once.
  func forwarding<Result>(to child: Cancellation, while body: () throws -> Result) rethrows -> Result {
    let now = state.update { state -> State in
      state.children.append(child)
      return state
    }
    if let reason = now.reason { child.requestStop(reason) }
    if now.hasEnded { child.endMachines() }
    defer { state.update { state in state.children.removeAll { $0 === child } } }
    return try body()
  }

  /// Blocks until `deadline`, or until the scope is to stop.
  package func wait(until deadline: Deadline) {
    _ = state.wait(until: deadline) { $0.reason.map { _ in () } }
  }
}
