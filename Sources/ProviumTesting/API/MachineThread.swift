import ProviumRunner
import ProviumRuntime
import ProviumSystem

/// The thread that a machine's operations run on, one after the other: they block, and Swift's own threads must not.
final class MachineThread: Sendable {
  private struct State {
    var jobs: [@Sendable (NativeMachine) -> Void] = []
    var isClosed = false
  }
  private let state = Monitor(State())
  private let scope: ScopeControl

  init(_ scope: ScopeControl, engine: Engine) throws {
    self.scope = scope
    let state = state
    _ = try DedicatedThread(name: "machine") {
      let machine = NativeMachine(scope, engine: engine)
      while true {
        let job = state.wait(until: .never) { state -> (@Sendable (NativeMachine) -> Void)?? in
          if !state.jobs.isEmpty { return .some(state.jobs.removeFirst()) }
          return state.isClosed ? .some(nil) : nil
        }
        guard let job, let job else { return machine.end() }
        job(machine)
      }
    }
  }

  private static let cancellation = "the test was cancelled"

  /// Runs `body` on the thread. A cancelled task ends the machine: what it waits for may never come.
  /// - Throws: `ProviumError`.
  func run<Value: Sendable>(_ body: @escaping @Sendable (NativeMachine) throws -> Value) async throws -> Value
  {
    if Task.isCancelled {
      scope.cancellation.request(Self.cancellation)
      throw ProviumError(.interrupted, Self.cancellation)
    }
    return try await withTaskCancellationHandler {
      guard let value = try await perform(body) else {
        throw ProviumError(.invalidUse, "the machine was ended")
      }
      return value
    } onCancel: {
      scope.cancellation.request(Self.cancellation)
    }
  }

  /// Runs `body` as the last thing, also for a cancelled task, and closes; nil when it was closed before.
  func finish<Value: Sendable>(_ body: @escaping @Sendable (NativeMachine) throws -> Value) async throws
    -> Value?
  {
    defer { close() }
    return try await perform(body)
  }

  /// nil: the thread is closed.
  private func perform<Value: Sendable>(_ body: @escaping @Sendable (NativeMachine) throws -> Value)
    async throws
    -> Value?
  {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value?, any Error>) in
      let isOpen = state.update { state in
        if state.isClosed { return false }
        state.jobs.append { machine in
          continuation.resume(
            with: Result { try machine.completingErrors(body) }.mapError { error in
              (error as? ProviumError)?.harmless ?? error
            }
          )
        }
        return true
      }
      if !isOpen { continuation.resume(returning: nil) }
    }
  }

  /// Ends the thread, and the machine, once what was asked for is done. Twice is fine.
  func close() { state.update { $0.isClosed = true } }

  deinit { close() }
}
