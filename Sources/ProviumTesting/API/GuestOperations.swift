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
    _ operation: @escaping @Sendable (GuestSession, Deadline) throws -> Value
  ) async throws -> Value {
    let worker = handle.worker
    return try await handle.thread.run { machine in
      try machine.perform(what, allowance: allowance, worker: worker, operation)
    }
  }

  func execResult(_ command: String, _ options: CommandOptions) async throws -> CommandResult {
    var exec = ExecOptions()
    exec.timeout = options.timeout
    exec.directory = options.directory.map { ByteString($0) }
    exec.stdin = options.standardInput
    exec.environment = try options.environment.sorted { $0.key < $1.key }.map { name, value in
      guard !name.isEmpty, !name.contains("=") else {
        throw ProviumError(.invalidUse, "environment: '\(name)' cannot be the name of a variable")
      }
      return (ByteString(name), ByteString(value))
    }
    let result = try await perform("exec \(command)", allowance: options.timeout ?? .zero) { [exec] in
      try $0.exec(ByteString(command), exec, until: $1)
    }
    return CommandResult(
      exitCode: result.exitCode,
      signal: result.signal,
      timedOut: result.timedOut,
      standardOutput: result.stdout,
      standardError: result.stderr
    )
  }

  func call(_ number: UInt32, _ arguments: [SystemCallArgument]) async throws -> SystemCallOutcome {
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
    return SystemCallOutcome(result: result.result, buffers: result.buffers)
  }
}

/// How a command is run.
public struct CommandOptions: Sendable {
  /// After which its process group is killed.
  public var timeout: Duration?
  /// Added to the agent's own.
  public var environment: [String: String] = [:]
  /// nil: the agent's, `/`.
  public var directory: String?
  /// nil: `/dev/null`.
  public var standardInput: [UInt8]?

  /// What is left out stays as described above.
  public init(
    timeout: Duration? = nil,
    environment: [String: String] = [:],
    directory: String? = nil,
    standardInput: [UInt8]? = nil
  ) {
    self.timeout = timeout
    self.environment = environment
    self.directory = directory
    self.standardInput = standardInput
  }
}

/// How a command ended.
public struct CommandResult: Sendable, Hashable {
  /// 128 + n when signal n killed it; -1 while a job runs.
  public let exitCode: Int32
  /// nil when it exited by itself.
  public let signal: Int32?
  /// Its timeout ended it.
  public let timedOut: Bool
  /// Every byte, as it came.
  public let standardOutput: [UInt8]
  /// Every byte, as it came.
  public let standardError: [UInt8]

  /// Exit code 0, in time.
  public var isSuccess: Bool { exitCode == 0 && !timedOut }
  /// Standard output as text; what is no UTF-8 is replaced.
  public var output: String { String(decoding: standardOutput, as: UTF8.self) }
  /// Standard error as text; what is no UTF-8 is replaced.
  public var errors: String { String(decoding: standardError, as: UTF8.self) }
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
  /// Bytes that the kernel reads or writes; what it made of them comes back in ``SystemCallOutcome/buffers``.
  public static func bytes(_ bytes: [UInt8]) -> SystemCallArgument {
    SystemCallArgument(kind: .buffer(bytes))
  }
  /// Room for what the kernel writes.
  public static func room(_ count: Int) -> SystemCallArgument { .bytes([UInt8](repeating: 0, count: count)) }

  private init(kind: Kind) { self.kind = kind }
}

/// What a system call gave back.
public struct SystemCallOutcome: Sendable, Hashable {
  /// `-errno` when it failed.
  public let result: Int64
  /// The memory of its buffers after the call, in the order of the arguments.
  public let buffers: [[UInt8]]
}
