import Glibc
package import ProviumAgentClient
import ProviumSystem
package import ProviumVM
import Synchronization

/// Runs one command in a VM of its own, connected to the host's standard streams: `provium run`, `provium shell`. Belongs to one
/// thread, except `resize`.
package final class SingleCommand {
  /// Where the VM comes from.
  package enum Origin {
    case profile(Profile)
    case fixture(String)
    /// The hold keeps it from being removed.
    case kept(KeptFailure, FailureStore.Hold)
  }

  /// How the command ended.
  package struct Result: Sendable {
    /// nil if the escape byte ended the connection to it.
    package let exitCode: Int32?
    package let timedOut: Bool
    /// The kernel reports that the configuration does not allow, one line each; nil without any.
    package let kernelReports: String?
  }

  /// The host's side of the command's streams.
  package struct Streams {
    /// The descriptor that the standard input is read from; nil: it is empty.
    package var input: Int32?
    /// The command gets a terminal of this size; nil: pipes.
    package var terminal: TerminalSize?
    /// A byte of the input that ends the connection and is not passed on.
    package var escape: UInt8?

    package init(input: Int32? = nil, terminal: TerminalSize? = nil, escape: UInt8? = nil) {
      self.input = input
      self.terminal = terminal
      self.escape = escape
    }
  }

  /// Gives a running command's terminal another size. Thread-safe.
  package final class Resizer: Sendable {
    private let relay = Mutex<ProcessRelay?>(nil)
    package init() {}
    package func resize(to size: TerminalSize) { relay.withLock { $0 }?.resize(to: size) }
    func set(_ relay: ProcessRelay?) { self.relay.withLock { $0 = relay } }
  }

  private let scope: MachineScope
  private let fixtures: FixtureService
  private let origin: Origin
  private let memory: UInt64?
  private let folders: Folders

  /// Folders of the host in the VM.
  package struct Folders: Sendable {
    package var shares: [SharedFolder] = []
    package var root: String?

    package init() {}
  }

  /// - Parameters:
  ///   - memory: bytes; nil: the default. Not used for a fixture, which has its own.
  ///   - folders: the root is not used for a fixture.
  package init(engine: Engine, origin: Origin, memory: UInt64?, folders: Folders = Folders()) {
    self.folders = folders
    let root = engine.configuration.root
    let folder = engine.configuration.settings.tests.first ?? root
    scope = MachineScope(
      ScopeControl(name: "", owner: 0, services: engine.services),
      fixtureSearch: FixtureSearch(folder: folder, root: root)
    )
    fixtures = engine.fixtures
    self.origin = origin
    self.memory = memory
  }

  /// Starts the VM, runs the command, and ends the VM. Blocks.
  /// - Parameters:
  ///   - words: a single word is a shell's command line; several are quoted for the guest's shell.
  ///   - environment: variables in addition to the agent's.
  ///   - timeout: of the command; nil: no limit.
  ///   - resizer: changes the size of the terminal while the command runs.
  ///   - ready: called when the command has started.
  ///   - output: receives the command's output as it comes. If it throws, the command is ended.
  package func run(
    _ words: [String],
    environment: [String: String] = [:],
    timeout: Duration?,
    streams: Streams,
    resizer: Resizer? = nil,
    ready: () throws -> Void = {},
    output: (UnsafeRawBufferPointer, _ isError: Bool) throws -> Void
  ) throws -> Result {
    defer { scope.end() }
    let machine = try start()
    scope.activity("running")
    let command = words.count == 1 ? words[0] : ShellWord.line(words)
    let options = CommandOptions(environment: environment)
    let status = try machine.withVirtualMachine { vm in
      let connection = vm.connection
      let job = try connection.startProcess(
        ByteString(command),
        options,
        terminal: streams.terminal,
        until: .after(Self.startLimit * machine.timeoutMultiplier)
      )
      let relay = ProcessRelay(job, hasTerminal: streams.terminal != nil, on: connection)
      resizer?.set(relay)
      defer { resizer?.set(nil) }
      try ready()
      if let input = streams.input {
        try relay.feed(from: input, escape: streams.escape)
      } else {
        relay.endInput()
      }
      return try relay.run(until: timeout.map { .after($0) } ?? .never, output: output)
    }
    let reports = scope.machines.takeReports()
    return Result(
      exitCode: status?.shellCode,
      timedOut: status == nil && timeout != nil,
      kernelReports: reports.isEmpty ? nil : reports.message
    )
  }

  private static let startLimit = Duration.seconds(30)

  private func start() throws -> Machine {
    switch origin {
    case .kept(let failure, _):
      let machine = scope.machines.add(profile: Profile(name: failure.profile))
      try machine.open(failure)
      return machine
    case .fixture(let name):
      let machine = try fixtures.resume(name, in: scope)
      for share in folders.shares { try machine.share(share) }
      return machine
    case .profile(let profile):
      let machine = scope.machines.add(profile: profile)
      var configuration = MachineConfiguration()
      if let memory { configuration.memory = MemorySize(bytes: memory) }
      configuration.shares = folders.shares
      if let root = folders.root { configuration.root = root }
      try machine.boot(configuration)
      return machine
    }
  }
}
