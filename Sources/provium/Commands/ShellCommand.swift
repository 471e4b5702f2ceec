import ArgumentParser
import Glibc
import ProviumAgentClient
import ProviumRunner
import ProviumRuntime
import ProviumScripts
import ProviumSystem
import Synchronization

struct ShellCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shell",
    abstract: "Start a VM and open a shell, or another program, in it.",
    discussion: """
      On a terminal the shell has a terminal of its own: keys such as Ctrl-C and Ctrl-Z reach the guest, and it follows the size \
      of the window. Ctrl-] leaves. Without a terminal the shell reads its commands from standard input.

      What the shell changes ends with the VM: provium shell --fixture NAME starts from the same state each time.
      """
  )

  @Option(name: .customLong("profile"), help: "Boot this profile of provium.toml; default is built in.")
  var profile: String?
  @Option(
    name: .customLong("fixture"),
    help: "Start from this fixture instead of booting; it is built if needed."
  )
  var fixture: String?
  @Option(
    name: .customLong("mem"),
    help: ArgumentHelp("Give a booted VM this much memory, such as 1G.", valueName: "size")
  )
  var memory: ByteCount?
  @OptionGroup(title: "VMs") var machines: MachineOptions
  @Argument(parsing: .postTerminator, help: "A command to run instead of a shell, after --.")
  var command: [String] = []

  /// Ctrl-], as in telnet(1).
  private static let escape: UInt8 = 0x1D
  private static let shell = "[ -x /bin/bash ] && exec /bin/bash; exec /bin/sh"

  func run() throws {
    guard fixture == nil || (profile == nil && memory == nil) else {
      throw ValidationError("a fixture has its own profile and memory: leave out --profile and --mem")
    }
    // stdin and stdout are the user's terminal; a redirected one wants bytes and no terminal.
    let terminal = isatty(0) == 1 && isatty(1) == 1 ? RawTerminal.size(of: 0) : nil
    let isTerminal = isatty(0) == 1 && isatty(1) == 1
    let size = try terminal ?? (isTerminal ? TerminalSize(columns: 80, rows: 24) : nil)
    let raw = RawTerminalHolder()
    let resizer = SingleCommand.Resizer()
    if isTerminal {
      try RawTerminal.onResize { if let size = RawTerminal.size(of: 0) { resizer.resize(to: size) } }
    }
    _ = try SignalThread { number, _ in
      raw.restore()
      _exit(ExitStatusCode.signal(number))
    }
    let configuration = try ConfigurationFile.find(kernel: machines.kernel)
    let activity = isatty(2) == 1 ? ActivityLine() : nil
    let engine = try Engine(
      configuration: configuration,
      options: try machines.engineOptions(),
      sinks: activity.map { [$0] } ?? []
    )
    defer { engine.close() }
    let origin: SingleCommand.Origin =
      if let fixture { .fixture(fixture) } else { .profile(try configuration.profile(profile ?? "default")) }
    let run = SingleCommand(engine: engine, origin: origin, memory: memory?.bytes)
    let environment = isTerminal ? ["TERM": ProcessInfo.terminalType] : [:]
    let result: SingleCommand.Result
    do {
      defer { raw.restore() }
      result = try run.run(
        command.isEmpty ? [Self.shell] : command,
        environment: environment,
        timeout: nil,
        streams: SingleCommand.Streams(input: 0, terminal: size, escape: isTerminal ? Self.escape : nil),
        resizer: resizer,
        ready: {
          activity?.end()
          guard isTerminal else { return }
          Console.error("provium: Ctrl-] leaves; the VM ends with the shell")
          try raw.set()
        },
        output: { bytes, isError in try Console.writeAll(bytes, to: isError ? 2 : 1) }
      )
    } catch {
      activity?.end()
      throw error
    }
    try engine.events.finish()
    if result.exitCode == nil { Console.error("\nprovium: left the shell") }
    if let reports = result.kernelReports { Console.error("provium: \(reports)") }
    throw ExitCode(result.exitCode ?? 0)
  }
}

/// The raw mode of standard input, which the signal thread must be able to end. Thread-safe.
private final class RawTerminalHolder: Sendable {
  private let terminal = Mutex<RawTerminal?>(nil)

  func set() throws {
    let raw = try RawTerminal(0)
    terminal.withLock { $0 = raw }
  }

  func restore() { terminal.withLock { $0 }?.restore() }
}

private enum ProcessInfo {
  /// The user's TERM, so that programs of the guest send what this terminal understands.
  static var terminalType: String { getenv("TERM").map { String(cString: $0) } ?? "xterm" }
}
