import ProviumAgentClient
import ProviumSystem
import ProviumVM

/// Runs one command in a VM of its own: `provium run`. Belongs to one thread.
package final class SingleCommand {
  /// How the command ended.
  package struct Result: Sendable {
    package let exitCode: Int32
    package let timedOut: Bool
    /// The kernel reports that the configuration does not allow, one line each; nil without any.
    package let kernelReports: String?
  }

  private let scope: MachineScope
  private let profile: Profile
  private let memory: UInt64?

  /// - Parameter memory: bytes; nil: the default.
  package init(engine: Engine, profile: Profile, memory: UInt64?) {
    let root = engine.configuration.root
    scope = MachineScope(
      ScopeControl(name: "", owner: 0, services: engine.services),
      fixtureSearch: FixtureSearch(folder: root, root: root)
    )
    self.profile = profile
    self.memory = memory
  }

  /// Boots the VM, runs the command, and ends the VM. Blocks.
  /// - Parameters:
  ///   - words: a single word is a shell's command line; several are quoted for the guest's shell.
  ///   - timeout: of the command; nil: no limit.
  ///   - input: the descriptor that the command's standard input is read from; nil: it is empty.
  ///   - output: receives the command's output as it comes. If it throws, the command is ended.
  package func run(
    _ words: [String],
    timeout: Duration?,
    input: Int32?,
    output: (UnsafeRawBufferPointer, _ isError: Bool) throws -> Void
  ) throws -> Result {
    defer { scope.end() }
    let machine = scope.machines.add(profile: profile)
    var configuration = MachineConfiguration()
    if let memory { configuration.memory = MemorySize(bytes: memory) }
    try machine.boot(configuration)
    scope.activity("running")
    var command = words.count == 1 ? words[0] : ShellWord.line(words)
    var exec = CommandOptions()
    exec.timeout = timeout
    if let input {
      let pipe = try machine.withVirtualMachine { try InputPipe(in: $0) }
      command = pipe.redirecting(command)
      try pipe.feed(from: input)
    }
    let result = try machine.withVirtualMachine {
      try $0.connection.exec(ByteString(command), exec, until: .never, output: output)
    }
    let reports = scope.machines.takeReports()
    return Result(
      exitCode: result.exitCode,
      timedOut: result.timedOut,
      kernelReports: reports.isEmpty ? nil : reports.message
    )
  }
}
