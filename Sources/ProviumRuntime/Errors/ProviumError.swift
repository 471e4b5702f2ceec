package import ProviumVM

/// An error of Provium: what failed, why, and what the VM showed last.
public struct ProviumError: Error, Sendable, CustomStringConvertible {
  /// The kind of an error, for programs that decide by it.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// A function was called with an argument, or in a state, that it does not accept.
    case invalidUse
    /// `provium.toml`, an environment variable, or a fixture's script is wrong.
    case configuration
    /// An assertion of a test did not hold.
    case assertion
    /// A script raised an error, or could not be loaded.
    case script
    /// The guest refused the operation: its kernel or its agent answered with an error.
    case refused
    /// The guest's kernel panicked or reported a fault.
    case kernelReport
    /// A time limit was reached.
    case timeout
    /// The VM did not boot or could not be resumed.
    case startFailed
    /// The VM, its agent or the connection to the agent is gone, or broke the protocol.
    case machineLost
    /// The resource pool did not admit the VM.
    case resources
    /// A file could not be written: a full disk, missing permissions.
    case storage
    /// The run or the test was ended before the operation ended.
    case interrupted
    /// The host lacks what was asked for: QEMU, KVM, vsock.
    case unavailable
    /// Any other failure of Provium or the host.
    case infrastructure
  }

  /// The kind of error.
  public let code: Code
  /// Why it failed, in one line or more. Does not repeat `operations` and `console`.
  public let message: String
  /// The error that led to this one; nil if this is the first.
  public let cause: (any Error)?
  /// The last operations on the VM, in the style of strace. Empty if no VM was involved.
  public let operations: [String]
  /// The last lines of the VM's console. Empty if no VM was lost.
  public package(set) var console: [String]
  /// The kernel reports that `message` names.
  package var reports: Set<KernelReport.ID> = []

  package init(
    _ code: Code,
    _ message: String,
    cause: (any Error)? = nil,
    operations: [String] = [],
    console: [String] = []
  ) {
    self.code = code
    self.message = message
    self.cause = cause
    self.operations = operations
    self.console = console
  }

  /// The message, the last operations, and the last lines of the console.
  public var description: String {
    ([message] + Self.section("last operations:", operations)
      + Self.section("the console's last lines:", console)).joined(separator: "\n")
  }

  /// Returns the same error with `transform` applied to each text.
  package func replacingText(_ transform: (String) -> String) -> ProviumError {
    var copy = ProviumError(
      code,
      transform(message),
      cause: cause,
      operations: operations.map(transform),
      console: console.map(transform)
    )
    copy.reports = reports
    return copy
  }

  private static func section(_ title: String, _ lines: [String]) -> [String] {
    lines.isEmpty ? [] : [title] + lines.map { "  \($0)" }
  }
}

/// An error type of the engine or of a layer above it that knows its code.
package protocol CodedError: Error {
  var code: ProviumError.Code { get }
}

extension ProviumError: CodedError {}
