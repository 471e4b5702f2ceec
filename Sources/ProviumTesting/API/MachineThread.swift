import ProviumRuntime
import ProviumRunner
import ProviumSystem

/// The thread that carries out a VM's operations, one after the other. They block, which threads of Swift's
/// own pool must not do.
final class MachineThread: Sendable {
  private struct State {
    var jobs: [@Sendable (NativeMachine) -> Void] = []
    var isClosed = false
  }
  private let state = Monitor(State())
  private let scope: ScopeControl

  /// Starts the thread of a VM that is the only one of its scope, or of the owner of a lab.
  convenience init(_ scope: ScopeControl, engine: Engine) throws(ProviumError) {
    try self.init(scope) { state in
      let machine = NativeMachine(scope, engine: engine)
      while let job = Self.nextJob(of: state) { job(machine) }
      machine.end()
    }
  }

  /// Starts the thread of a VM of a lab, whose owner has this thread and ends the VM.
  func startThread(of member: NativeLab.Member) throws(ProviumError) -> MachineThread {
    try MachineThread(scope) { state in
      while let job = Self.nextJob(of: state) { member.perform(job) }
      member.release()
    }
  }

  private init(_ scope: ScopeControl, _ body: @escaping @Sendable (Monitor<State>) -> Void)
    throws(ProviumError)
  {
    self.scope = scope
    let state = state
    do { _ = try DedicatedThread(name: "machine") { body(state) } } catch {
      throw ProviumError(.infrastructure, "no thread could be started for a VM: \(error)", cause: error)
    }
  }

  /// Blocks until an operation is requested. Returns nil after the last one of a closed thread.
  private static func nextJob(of state: Monitor<State>) -> (@Sendable (NativeMachine) -> Void)? {
    let job = state.wait(until: .never) { state -> (@Sendable (NativeMachine) -> Void)?? in
      if !state.jobs.isEmpty { return .some(state.jobs.removeFirst()) }
      return state.isClosed ? .some(nil) : nil
    }
    return job ?? nil
  }

  deinit { close() }

  private static let cancellation = "the test was cancelled"
  private static let ended = ProviumError(
    .invalidUse,
    "the VM has ended: its scope is over, or shutdown() or kill() was called"
  )

  /// Runs `body` on the thread. If the task is cancelled, the VM is ended: the operation may wait for
  /// something that never comes.
  func run<Value: Sendable>(_ body: @escaping @Sendable (NativeMachine) throws -> Value)
    async throws(ProviumError) -> Value
  {
    if Task.isCancelled {
      scope.cancellation.request(Self.cancellation)
      throw ProviumError(.interrupted, Self.cancellation)
    }
    let result = await withTaskCancellationHandler {
      await perform(body)
    } onCancel: {
      scope.cancellation.request(Self.cancellation)
    }
    guard let result else { throw Self.ended }
    return try result.get()
  }

  /// Runs `body` as the last operation, also if the task is cancelled, and closes the thread. Returns nil if
  /// it was closed before.
  func finish<Value: Sendable>(_ body: @escaping @Sendable (NativeMachine) -> Value) async -> Value? {
    defer { close() }
    guard case .success(let value) = await perform(body) else { return nil }
    return value
  }

  /// Ends the VM and the thread after the operations that were already requested. Idempotent.
  func close() { state.update { $0.isClosed = true } }

  /// Returns nil if the thread is closed.
  private func perform<Value: Sendable>(_ body: @escaping @Sendable (NativeMachine) throws -> Value) async
    -> Result<Value, ProviumError>?
  {
    await withCheckedContinuation { continuation in
      let isOpen = state.update { state in
        if state.isClosed { return false }
        state.jobs.append { machine in
          continuation.resume(returning: machine.result(of: body).mapError(\.harmless))
        }
        return true
      }
      if !isOpen { continuation.resume(returning: nil) }
    }
  }
}

extension ProviumError {
  /// A copy without control characters, which a guest may have printed: test runners write errors to
  /// terminals and XML.
  var harmless: ProviumError {
    replacingText(XMLText.clean)
  }
}
