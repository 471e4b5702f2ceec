/// How a command is run.
package struct ExecOptions: Sendable {
  /// Enforced by the agent: the process group is killed and the result says so. nil: none.
  package var timeout: Duration?
  package var environment: [(ByteString, ByteString)]
  /// Only the variables given, none of the agent's.
  package var clearEnvironment: Bool
  package var directory: ByteString?
  /// Standard input; nil: `/dev/null`.
  package var stdin: [UInt8]?
  /// Bytes of output together; a command that prints more is ended and the operation fails.
  package var outputLimit: Int

  package init(
    timeout: Duration? = nil,
    environment: [(ByteString, ByteString)] = [],
    clearEnvironment: Bool = false,
    directory: ByteString? = nil,
    stdin: [UInt8]? = nil,
    outputLimit: Int = 256 << 20
  ) {
    self.timeout = timeout
    self.environment = environment
    self.clearEnvironment = clearEnvironment
    self.directory = directory
    self.stdin = stdin
    self.outputLimit = outputLimit
  }
}

/// Who still holds the output of a command that has ended.
package struct OutputHolder: Hashable, Sendable {
  /// 0 when the agent could not find out.
  package let pid: Int32
  package let name: String
}

/// How a command ended.
package struct ExecResult: Hashable, Sendable {
  /// 128 + n when signal n killed it.
  package let exitCode: Int32
  /// nil when it exited.
  package let signal: Int32?
  package internal(set) var stdout: [UInt8]
  package internal(set) var stderr: [UInt8]
  package let timedOut: Bool
  /// An INTERRUPT ended it.
  package let interrupted: Bool
  package let outputHeldBy: OutputHolder?

  package var isSuccess: Bool { exitCode == 0 && !timedOut && !interrupted }
}

/// A background command, as far as it has come.
package struct JobResult: Hashable, Sendable {
  package let isRunning: Bool
  /// -1 while it runs.
  package let exitCode: Int32
  package let signal: Int32?
  package let stdout: [UInt8]
  package let stderr: [UInt8]
  /// A stream was longer than the 64 MiB that the agent keeps of each; these are its first bytes.
  package let isTruncated: Bool
}

/// What a system call gave back.
package struct SystemCallResult: Hashable, Sendable {
  /// `-errno` when it failed.
  package let result: Int64
  /// By ascending argument index.
  package let buffers: [[UInt8]]
  /// In the order of the pointers that asked for output.
  package let outputs: [[UInt8]]
}

/// What an ioctl gave back.
package struct IoctlResult: Hashable, Sendable {
  package let result: Int64
  /// The struct after the call; nil when none was sent.
  package let data: [UInt8]?
  package let outputs: [[UInt8]]
}

/// Arguments of `mount(2)`.
package struct MountRequest: Sendable {
  package var source: ByteString
  package var target: ByteString
  package var type: ByteString
  package var flags: UInt64
  package var data: ByteString

  package init(
    source: ByteString,
    target: ByteString,
    type: ByteString,
    flags: UInt64 = 0,
    data: ByteString = ""
  ) {
    self.source = source
    self.target = target
    self.type = type
    self.flags = flags
    self.data = data
  }
}
