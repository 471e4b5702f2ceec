import ProviumAgentClient
import ProviumRuntime
import ProviumSystem

/// What can be told to do something in the guest: a machine, or one of its workers.
public protocol Guest: Sendable {
  /// Who does it. Nothing to be used from outside.
  var handle: GuestHandle { get }
}

/// A machine's agent, or a worker.
public struct GuestHandle: Sendable {
  let thread: MachineThread
  /// The worker's pid; nil: the main agent.
  let worker: Int32?
}

extension Guest {
  func perform<Value: Sendable>(
    _ what: String,
    allowance: Duration = .zero,
    _ operation: @escaping @Sendable (AgentConnection, Deadline) throws -> Value
  ) async throws -> Value {
    let worker = handle.worker
    return try await handle.thread.run { machine in
      try machine.perform(what, allowance: allowance, worker: worker, operation)
    }
  }

  func execResult(_ command: String, _ options: CommandOptions) async throws -> CommandResult {
    try await perform("exec \(command)", allowance: options.timeout ?? .zero) {
      try $0.exec(ByteString(command), options, until: $1)
    }
  }

  func call(_ number: UInt32, _ arguments: [SystemCallArgument]) async throws -> SystemCallResult {
    var call = SystemCall(number: number)
    for (index, argument) in arguments.enumerated() {
      switch argument.kind {
      case .value(let value): call.arguments.append(value)
      case .buffer(let bytes):
        call.arguments.append(0)
        call.buffers.append(CallBuffer(argument: index, bytes: bytes))
      }
    }
    let result = try await perform("syscall \(number)") { [call] in try $0.syscall(call, until: $1) }
    return result
  }
}

/// An argument of a system call: a number, or memory that it points to.
public struct SystemCallArgument: Sendable, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
  enum Kind: Sendable {
    case value(Int64)
    case buffer([UInt8])
  }
  let kind: Kind

  /// A number.
  public init(integerLiteral value: Int64) { kind = .value(value) }
  /// A path or another string, with the NUL that the kernel wants.
  public init(stringLiteral value: String) { kind = .buffer(Array(value.utf8) + [0]) }

  /// A path or another string, with the NUL that the kernel wants.
  public static func string(_ text: String) -> SystemCallArgument { SystemCallArgument(stringLiteral: text) }
  /// A number of any type; 64 bits reach the kernel.
  public static func value(_ value: some BinaryInteger) -> SystemCallArgument {
    SystemCallArgument(kind: .value(Int64(truncatingIfNeeded: value)))
  }
  /// Bytes that the kernel reads or writes; what it made of them comes back in ``SystemCallResult/buffers``.
  public static func bytes(_ bytes: [UInt8]) -> SystemCallArgument {
    SystemCallArgument(kind: .buffer(bytes))
  }
  /// Room for what the kernel writes.
  public static func room(_ count: Int) -> SystemCallArgument { .bytes([UInt8](repeating: 0, count: count)) }

  private init(kind: Kind) { self.kind = kind }
}
