public import ProviumSystem

/// The state of a job, and its output so far.
public struct JobResult: Hashable, Sendable {
  /// How the job ended; nil while it runs.
  public let status: ExitStatus?
  /// The standard output so far, from its first byte.
  public let standardOutput: CommandOutput
  /// The standard error so far, from its first byte.
  public let standardError: CommandOutput
  /// Whether an output stream is longer than the 64 MiB that the agent keeps. The streams then end after
  /// these first bytes.
  public let isTruncated: Bool

  package init(
    status: ExitStatus?,
    standardOutput: CommandOutput = CommandOutput(),
    standardError: CommandOutput = CommandOutput(),
    isTruncated: Bool = false
  ) {
    self.status = status
    self.standardOutput = standardOutput
    self.standardError = standardError
    self.isTruncated = isTruncated
  }

  /// Whether the job runs.
  public var isRunning: Bool { status == nil }
}
