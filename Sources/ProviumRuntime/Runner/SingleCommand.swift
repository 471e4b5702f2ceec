import ProviumEvents
import ProviumAgentClient
import ProviumVM
import ProviumSystem

/// One command in a machine of its own: `provium run`.
package final class SingleCommand: Sendable {
  /// What came of it.
  package struct Result: Sendable {
    package let exitCode: Int32
    package let timedOut: Bool
  }

  /// There was no machine, or it died: why, and what its console showed last.
  package struct Failure: Error, Sendable, CustomStringConvertible {
    package let reason: String
    package let console: [String]

    package var description: String {
      guard !console.isEmpty else { return reason }
      let lines = console.map { "\n  \($0)" }.joined()
      return "\(reason)\n--- console (last \(console.count) lines) ---\(lines)"
    }
  }

  private static let consoleLines = 20

  private let engine: Engine
  private let profile: Profile
  private let memory: UInt64?

  package init(engine: Engine, profile: Profile, memory: UInt64?) {
    self.engine = engine
    self.profile = profile
    self.memory = memory
  }

  /// Boots, runs, ends. Several words become one command line, each quoted for the guest's shell; a single one is taken
  /// as a shell would.
  /// - Parameters:
  ///   - input: what the command reads; nil: nothing.
  ///   - output: gets what the command prints, as it comes, and whether it is the standard error's. When it throws, the
  ///     command is ended.
  package func run(
    _ words: [String],
    timeout: Duration?,
    input: Int32?,
    output: (UnsafeRawBufferPointer, _ isError: Bool) throws -> Void
  ) throws -> Result {
    var configuration = MachineConfiguration().applying(profile)
    if let memory { configuration.memory = MemorySize(bytes: memory) }
    let host = try engine.host()
    let limit = configuration.bootTimeLimit * host.timeoutMultiplier(for: try configuration.boot.requiredArchitecture)
    func say(_ text: String) { engine.events.send(.activity(file: "", text: text)) }
    let machine: VirtualMachine
    do {
      machine = try VirtualMachine.boot(
        configuration,
        name: profile.name,
        on: host,
        until: .after(limit),
        stage: { say("booting \(profile.name): \($0)") }
      )
    } catch let failure as BootFailure {
      throw Failure(reason: "\(failure)", console: failure.console.suffix(Self.consoleLines))
    }
    defer { machine.kill() }
    say("running")
    var command = words.count == 1 ? words[0] : words.map(Self.quoted).joined(separator: " ")
    var exec = ExecOptions()
    exec.timeout = timeout
    do {
      if let input {
        let pipe = try InputPipe(in: machine)
        command = pipe.redirecting(command)
        try pipe.feed(from: input)
      }
      let result = try machine.session.exec(ByteString(command), exec, until: .never, output: output)
      return Result(exitCode: result.exitCode, timedOut: result.timedOut)
    } catch let death as MachineDeath {
      throw Failure(reason: "\(death)", console: machine.console.tail(Self.consoleLines))
    }
  }

  private static func quoted(_ word: String) -> String {
    let plain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:,@%+".contains($0)) }
    return plain && !word.isEmpty
      ? word : "'\(word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
  }
}
