import ArgumentParser
import Glibc
import ProviumEvents
import ProviumRuntime
import ProviumSystem

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Boot a machine, run one command in it, print its output, exit with its code.",
    discussion: "Needs no configuration, no root and no terminal: provium run -- uname -a"
  )

  @Option(name: .customLong("profile"), help: "A profile of provium.toml; default is built in.")
  var profile = "default"
  @Option(name: .customLong("mem"), help: "Memory of the machine.") var memory: ByteCount?
  @Option(name: .customLong("timeout"), help: "Of the command; without it there is no limit.") var timeout:
    TimeSpan?
  @OptionGroup(title: "Machines") var machines: MachineOptionGroup
  @Argument(parsing: .captureForPassthrough, help: "The command, after --.") var command: [String] = []

  func run() throws {
    var words = command
    if words.first == "--" { words.removeFirst() }
    guard !words.isEmpty else { throw ValidationError("no command: provium run -- COMMAND…") }
    let interruption = Interruption()
    _ = try Interrupts(interruption)
    let configuration = try ConfigurationFile.find()
    let engine = try Engine(
      configuration: configuration,
      options: try machines.engineOptions(),
      sinks: isatty(2) == 1 ? [ActivityLine()] : []
    )
    defer { engine.close() }
    let run = SingleCommand(
      engine: engine,
      profile: try configuration.profile(profile),
      memory: memory?.bytes
    )
    let result = try interruption.listening({ _ in run.end() }) {
      try run.run(words, timeout: timeout?.duration)
    }
    try engine.events.finish()
    Console.write(result.stdout, to: 1)
    Console.write(result.stderr, to: 2)
    if result.timedOut { Console.error("provium: the command did not end in time and was killed") }
    throw ExitCode(result.timedOut ? 124 : result.exitCode)
  }
}

/// On a terminal: one line that says what is going on, gone when there is something to show.
final class ActivityLine: EventSink {
  func receive(_ event: RunEvent, at time: Double) {
    if case .activity(_, let text) = event { Console.write("\r\u{1b}[K\(text) …", to: 2) }
  }
  func finish() { Console.write("\r\u{1b}[K", to: 2) }
}
