import ProviumAgentClient
import ProviumSystem

extension Guest {
  /// Runs `/bin/sh -c COMMAND` in the guest. What the command does is a result; only the machine's own trouble throws.
  public func exec(_ command: String, _ options: CommandOptions = CommandOptions()) async throws
    -> CommandResult
  {
    try await execResult(command, options)
  }

  /// Starts a command in the background.
  public func background(_ command: String) async throws -> Job {
    let job = try await perform("background \(command)") { try $0.background(ByteString(command), until: $1) }
    return Job(id: job.id, pid: job.pid, holder: self)
  }

  /// The whole contents of a guest's file.
  public func readFile(_ path: String) async throws -> [UInt8] {
    try await perform("read_file \(path)") { try $0.readFile(ByteString(path), until: $1) }
  }

  /// Writes a file in the guest, of any size.
  /// - Parameters:
  ///   - path: absolute, in the guest.
  ///   - contents: all of the file.
  ///   - mode: of a file that is new; nil: 0644.
  public func writeFile(_ path: String, _ contents: [UInt8], mode: UInt32? = nil) async throws {
    try await perform("write_file \(path)") {
      try $0.writeFile(ByteString(path), contents, mode: mode, until: $1)
    }
  }

  /// Makes a system call by name, with up to six arguments. All calls of one machine or worker run on one guest thread.
  ///
  /// ```swift
  /// let opened = try await vm.syscall("openat", -100, "/etc/passwd", 0)
  /// ```
  public func syscall(_ name: String, _ arguments: SystemCallArgument...) async throws -> SystemCallOutcome {
    try await call(try await handle.thread.run { try $0.number(ofSystemCall: name) }, arguments)
  }

  /// Makes a system call by its number.
  public func syscall(_ number: Int, _ arguments: SystemCallArgument...) async throws -> SystemCallOutcome {
    guard let number = UInt32(exactly: number) else {
      throw ProviumError(.invalidUse, "there is no system call \(number)")
    }
    return try await call(number, arguments)
  }

  /// An ioctl with a struct or without. The struct comes back as the kernel left it.
  public func ioctl(_ descriptor: Int32, _ command: UInt32, _ data: [UInt8]? = nil) async throws
    -> (result: Int64, data: [UInt8]?)
  {
    let result = try await perform("ioctl") { try $0.ioctl(descriptor, command, data, until: $1) }
    return (result.result, result.data)
  }
}

/// A command in the background.
public struct Job: Sendable {
  /// Of its machine or worker.
  public let id: UInt32
  /// In the guest: of the shell, which leads its process group.
  public let pid: Int32
  private let holder: any Guest

  init(id: UInt32, pid: Int32, holder: any Guest) {
    self.id = id
    self.pid = pid
    self.holder = holder
  }

  /// Its result; nil while it runs.
  public func poll() async throws -> CommandResult? { try await collect(wait: .zero, kill: false) }

  /// Waits for its end; nil when it still runs after `timeout`.
  public func wait(_ timeout: Duration) async throws -> CommandResult? {
    try await collect(wait: timeout, kill: false)
  }

  /// Kills its process group, and waits for that.
  public func kill() async throws -> CommandResult? { try await collect(wait: .zero, kill: true) }

  private func collect(wait: Duration, kill: Bool) async throws -> CommandResult? {
    let id = id
    let result = try await holder.perform("job \(id)", allowance: wait) {
      try $0.collect(job: id, wait: wait, kill: kill, until: $1)
    }
    guard !result.isRunning else { return nil }
    return CommandResult(
      exitCode: result.exitCode,
      signal: result.signal,
      timedOut: false,
      standardOutput: result.stdout,
      standardError: result.stderr
    )
  }
}
