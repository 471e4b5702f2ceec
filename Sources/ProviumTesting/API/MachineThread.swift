import ProviumRunner
import ProviumRuntime
import ProviumSystem

/// The thread that a machine's operations run on, one after the other: they block, and Swift's own threads must not.
final class MachineThread: Sendable {
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var isClosed = false
  }
  private let state = Monitor(State())
  let machine: NativeMachine

  init(_ machine: NativeMachine) throws {
    self.machine = machine
    let state = state
    _ = try DedicatedThread(name: "machine") {
      while true {
        let job = state.wait(until: .never) { state -> (@Sendable () -> Void)?? in
          if !state.jobs.isEmpty { return .some(state.jobs.removeFirst()) }
          return state.isClosed ? .some(nil) : nil
        }
        guard let job, let job else { return machine.end() }
        job()
      }
    }
  }

  private static let cancellation = "the test was cancelled"

  /// Runs `body` on the thread. A cancelled task ends the machine: what it waits for may never come.
  /// - Throws: `MachineError`.
  func run<Value: Sendable>(_ body: @escaping @Sendable (NativeMachine) throws -> Value) async throws -> Value
  {
    if Task.isCancelled {
      machine.interrupt(Self.cancellation)
      throw MachineError(Self.cancellation)
    }
    return try await withTaskCancellationHandler {
      guard let value = try await perform(body) else { throw MachineError("the machine is over") }
      return value
    } onCancel: {
      machine.interrupt(Self.cancellation)
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
      let machine = machine
      let isOpen = state.update { state in
        if state.isClosed { return false }
        state.jobs.append { continuation.resume(with: Result { try Self.telling(machine, body) }) }
        return true
      }
      if !isOpen { continuation.resume(returning: nil) }
    }
  }

  /// Ends the thread, and the machine, once what was asked for is done. Twice is fine.
  func close() { state.update { $0.isClosed = true } }

  deinit { close() }

  /// An error says what the machine did last, and what its console shows.
  private static func telling<Value>(_ machine: NativeMachine, _ body: (NativeMachine) throws -> Value) throws
    -> Value
  {
    do { return try body(machine) } catch {
      // What was interrupted only knows that its machine went away. The console stands below, once.
      let reason = machine.interruption.map { "\($0): " } ?? ""
      let message = (error as? HarnessFault)?.reason ?? "\(error)"
      throw MachineError(reason + message, operations: machine.operations, console: machine.console)
    }
  }
}

/// Something went wrong with a machine, or with what it was asked to do.
public struct MachineError: Error, Sendable, CustomStringConvertible {
  /// What, in one or more lines.
  public let message: String
  /// The last operations on the machine, in the style of strace.
  public let operations: [String]
  /// The last lines of its console.
  public let console: [String]

  init(_ message: String, operations: [String] = [], console: [String] = []) {
    self.message = XMLText.clean(message)
    self.operations = operations.map(XMLText.clean)
    self.console = console.map(XMLText.clean)
  }

  /// The message, the last operations, the last lines of the console.
  public var description: String {
    var lines = [message]
    if !operations.isEmpty { lines += ["last operations:"] + operations.map { "  \($0)" } }
    if !console.isEmpty { lines += ["console (last \(console.count) lines):"] + console.map { "  \($0)" } }
    return lines.joined(separator: "\n")
  }
}
