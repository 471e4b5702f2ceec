import ProviumAgentClient
import ProviumRuntime
import ProviumSystem

/// The receiver of operations in a guest: the main agent of a VM, or one of its workers.
struct OperationTarget: Sendable {
  let thread: MachineThread
  /// The pid of the worker; nil: the main agent.
  var worker: Int32?

  /// Runs one operation on the VM's thread. Suspends until it has ended.
  /// - Parameters:
  ///   - what: the operation, for messages: `exec make check`.
  ///   - allowance: the operation's own time, added to the usual limit.
  func perform<Value: Sendable>(
    _ what: String,
    allowance: Duration = .zero,
    _ operation: @escaping @Sendable (AgentConnection, Deadline) throws -> Value
  ) async throws(ProviumError) -> Value {
    let worker = worker
    return try await thread.run { machine in
      try machine.perform(what, allowance: allowance, worker: worker, operation)
    }
  }

  /// Makes a system call by name.
  func call(_ name: String, _ arguments: [SystemCallArgument]) async throws(ProviumError) -> SystemCallResult
  {
    try await call(try await thread.run { try $0.number(ofSystemCall: name) }, name, arguments)
  }

  /// Makes a system call by number.
  /// - Parameter name: for messages.
  func call(_ number: UInt32, _ name: String, _ arguments: [SystemCallArgument]) async throws(ProviumError)
    -> SystemCallResult
  {
    var call = SystemCall(number: number)
    for (index, argument) in arguments.enumerated() {
      switch argument.kind {
      case .value(let value): call.arguments.append(value)
      case .buffer(let bytes):
        call.arguments.append(0)
        call.buffers.append(CallBuffer(argument: index, bytes: bytes))
      }
    }
    return try await perform("syscall \(name)") { [call] in try $0.syscall(call, until: $1) }
  }
}
