import ArgumentParser
import Glibc
import ProviumEvents
import ProviumRuntime
import ProviumSystem
import Synchronization

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Boot a machine, run one command in it, print its output, exit with its code.",
    discussion: """
      Needs no configuration, no root and no terminal: provium run -- uname -a

      Output comes as it is printed. What is piped or redirected to standard input is the command's.
      """
  )

  @Option(name: .customLong("profile"), help: "A profile of provium.toml; default is built in.")
  var profile = "default"
  @Option(name: .customLong("mem"), help: "Memory of the machine.") var memory: ByteCount?
  @Option(name: .customLong("timeout"), help: "Of the command; without it there is no limit.") var timeout:
    TimeSpan?
  @OptionGroup(title: "Machines") var machines: MachineOptionGroup
  @Argument(parsing: .captureForPassthrough, help: "The command, after --.") var command: [String] = []

  func run() throws {
    let words = try Self.words(command)
    // Nothing here needs more than an end: QEMU dies with us, and the run's folder goes with its reaper.
    _ = try Interrupts { number, _ in _exit(128 + number) }
    let configuration = try ConfigurationFile.find()
    let activity = isatty(2) == 1 ? ActivityLine() : nil
    let engine = try Engine(
      configuration: configuration,
      options: try machines.engineOptions(),
      sinks: activity.map { [$0] } ?? []
    )
    defer { engine.close() }
    let run = SingleCommand(
      engine: engine,
      profile: try configuration.profile(profile),
      memory: memory?.bytes
    )
    let result: SingleCommand.Result
    do {
      result = try run.run(words, timeout: timeout?.duration, input: Self.hasInput ? 0 : nil) {
        bytes,
        isError in
        activity?.end()
        try Console.writeAll(bytes, to: isError ? 2 : 1)
      }
    } catch {
      activity?.end()
      throw error
    }
    try engine.events.finish()
    if result.timedOut { Console.error("provium: the command did not end in time and was killed") }
    throw ExitCode(result.timedOut ? 124 : result.exitCode)
  }

  /// The command: what stands behind the options, after `--` or from the first word that is no option.
  private static func words(_ captured: [String]) throws -> [String] {
    var words = captured
    if words.first == "--" {
      words.removeFirst()
    } else if let first = words.first, first.hasPrefix("-") {
      let known = [
        "--profile", "--mem", "--timeout", "--accel", "--require-kvm", "--channel", "--fixtures", "--help",
      ]
      if ["-h", "--help"].contains(first) { throw CleanExit.helpRequest(RunCommand.self) }
      let hint = NearestName.hint(for: first, among: known)
      throw ValidationError("unknown option '\(first)'\(hint); the command stands after --")
    }
    guard !words.isEmpty else { throw ValidationError("no command: provium run -- COMMAND…") }
    return words
  }

  /// Somebody gave us something to read: no terminal, which the command is not connected with, and no /dev/null.
  private static var hasInput: Bool {
    var input = stat(), null = stat()
    guard fstat(0, &input) == 0, isatty(0) == 0 else { return false }
    return stat("/dev/null", &null) != 0 || input.st_rdev != null.st_rdev || input.st_mode & S_IFMT != S_IFCHR
  }
}

/// On a terminal: one line that says what is going on, gone when there is something to show.
final class ActivityLine: EventSink {
  private let isOver = Mutex(false)

  func receive(_ event: RunEvent, at time: Double) {
    guard case .activity(_, let text) = event else { return }
    isOver.withLock { isOver in if !isOver { Console.write("\r\u{1b}[K\(text) …", to: 2) } }
  }

  /// From here on the terminal is somebody else's. Twice is fine.
  func end() {
    isOver.withLock { isOver in
      if !isOver { Console.write("\r\u{1b}[K", to: 2) }
      isOver = true
    }
  }

  func finish() { end() }
}
