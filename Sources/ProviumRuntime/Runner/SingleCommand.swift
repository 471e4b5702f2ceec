import ProviumEvents
import ProviumGuest
import ProviumMachine
import ProviumSystem
import Synchronization

/// One command in a machine of its own: `provium run`.
package final class SingleCommand: Sendable {
  /// What came of it.
  package struct Result: Sendable {
    package let stdout: [UInt8]
    package let stderr: [UInt8]
    package let exitCode: Int32
    package let timedOut: Bool
  }

  private let engine: Engine
  private let profile: Profile
  private let memory: UInt64?
  private let running = Mutex<QEMUProcess?>(nil)

  package init(engine: Engine, profile: Profile, memory: UInt64?) {
    self.engine = engine
    self.profile = profile
    self.memory = memory
  }

  /// From any thread: ends the machine, and with it the wait.
  package func end() { running.withLock { $0 }?.kill() }

  /// Boots, runs, ends. Several words become one command line, each quoted for the guest's shell; a single one is taken
  /// as a shell would.
  package func run(_ words: [String], timeout: Duration?) throws -> Result {
    var options = BootOptions()
    if let memory { options.memory = memory }
    let request = try options.request(
      name: profile.name,
      profile: profile,
      configuration: engine.configuration
    )
    let host = try engine.host()
    let limit = Duration.seconds(30) * host.accelerator(for: request.image.architecture).timeScale
    func say(_ text: String) { engine.events.send(.activity(file: "", text: text)) }
    let machine = try VirtualMachine.boot(
      request,
      on: host,
      until: .after(limit),
      stage: { say("booting \(profile.name): \($0)") },
      started: { process in running.withLock { $0 = process } }
    )
    defer { machine.kill() }
    say("running")
    var exec = ExecOptions()
    exec.timeout = timeout
    let result = try machine.session.exec(
      ByteString(words.count == 1 ? words[0] : words.map(Self.quoted).joined(separator: " ")),
      exec,
      until: .never
    )
    return Result(
      stdout: result.stdout,
      stderr: result.stderr,
      exitCode: result.exitCode,
      timedOut: result.timedOut
    )
  }

  private static func quoted(_ word: String) -> String {
    let plain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:,@%+".contains($0)) }
    return plain && !word.isEmpty
      ? word : "'\(word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
  }
}
