public import ProviumSystem

/// The result of a command that has ended.
public struct CommandResult: Hashable, Sendable, CustomStringConvertible {
  /// How the command ended.
  public let status: ExitStatus
  /// Whether the command was killed because its ``CommandOptions/timeout`` had passed.
  public let timedOut: Bool
  /// Everything that the command wrote to its standard output.
  public package(set) var standardOutput: CommandOutput
  /// Everything that the command wrote to its standard error.
  public package(set) var standardError: CommandOutput
  /// Whether an INTERRUPT ended the command.
  package let isInterrupted: Bool
  /// The process that still had the output open when the command had ended.
  package let outputHolder: OutputHolder?

  package init(
    status: ExitStatus,
    timedOut: Bool = false,
    standardOutput: CommandOutput = CommandOutput(),
    standardError: CommandOutput = CommandOutput(),
    isInterrupted: Bool = false,
    outputHolder: OutputHolder? = nil
  ) {
    self.status = status
    self.timedOut = timedOut
    self.standardOutput = standardOutput
    self.standardError = standardError
    self.isInterrupted = isInterrupted
    self.outputHolder = outputHolder
  }

  /// Whether the command exited with code 0 before its time limit.
  public var isSuccess: Bool { status.isSuccess && !timedOut && !isInterrupted }

  /// The exit code as a shell reports it: 128 + n after signal n.
  public var exitCode: Int32 { status.shellCode }

  /// The outcome and the output: `exit 1, standard output: "yes\n", standard error: "no\n"`.
  public var description: String {
    var parts = [summary]
    for (name, output) in [("output", standardOutput), ("error", standardError)] where !output.bytes.isEmpty {
      parts.append("standard \(name): \(output.text.debugDescription)")
    }
    return parts.joined(separator: ", ")
  }

  /// The outcome in a few words: `exit 0`, `killed by SIGKILL`, `timed out`.
  var summary: String {
    if timedOut { return "timed out" }
    if case .exited(let code) = status { return "exit \(code)" }
    return "\(status)"
  }
}

/// A process that still has the output of a command open after the command has ended.
package struct OutputHolder: Hashable, Sendable {
  /// 0 when the agent could not find the process.
  package let pid: Int32
  package let name: String
}
