import ArgumentParser
import Glibc
import ProviumAgentClient
import ProviumRunner
import ProviumRuntime
import ProviumSystem
import Synchronization

/// A command in a VM on the user's terminal, or on pipes where there is none: `provium shell`, `provium open`.
struct TerminalCommand {
  /// Ctrl-], as in telnet(1).
  private static let escape: UInt8 = 0x1D
  static let shell = "[ -x /bin/bash ] && exec /bin/bash; exec /bin/sh"

  /// The line that is printed when the shell is ready: Ctrl-] leaves.
  var greeting = "provium: Ctrl-] leaves; the VM ends with the shell"
  /// Runs the command without a terminal, with empty standard input unless something is piped.
  var isPlain = false

  /// Starts the VM of `origin`, runs the command, and ends the VM.
  /// - Parameter makeEngine: makes the engine, with the sinks for its events.
  /// - Throws: `ExitCode` with the command's exit code.
  func run(
    _ command: [String],
    makeEngine: (ActivityLine?) throws -> (Engine, SingleCommand.Origin),
    memory: UInt64? = nil,
    folders: SingleCommand.Folders = SingleCommand.Folders()
  ) throws -> Never {
    // stdin and stdout are the user's terminal; a redirected one wants bytes and no terminal.
    let isTerminal = !isPlain && isatty(0) == 1 && isatty(1) == 1
    let terminal = isTerminal ? RawTerminal.size(of: 0) : nil
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
    let activity = isatty(2) == 1 ? ActivityLine() : nil
    let (engine, origin) = try makeEngine(activity)
    defer { engine.close() }
    let run = SingleCommand(engine: engine, origin: origin, memory: memory, folders: folders)
    let environment = isTerminal ? ["TERM": Self.terminalType] : [:]
    let result: SingleCommand.Result
    do {
      defer { raw.restore() }
      let input: Int32? = isPlain && !Self.hasInput ? nil : 0
      result = try run.run(
        command,
        environment: environment,
        timeout: nil,
        streams: SingleCommand.Streams(input: input, terminal: size, escape: isTerminal ? Self.escape : nil),
        resizer: resizer,
        ready: {
          activity?.end()
          guard isTerminal else { return }
          Console.error(greeting)
          try raw.set()
        },
        output: { bytes, isError in
          activity?.end()
          try Console.writeAll(bytes, to: isError ? 2 : 1)
        }
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

  /// Whether standard input has something to read: it is neither a terminal nor /dev/null.
  static var hasInput: Bool {
    var input = stat(), null = stat()
    guard fstat(0, &input) == 0, isatty(0) == 0 else { return false }
    return stat("/dev/null", &null) != 0 || input.st_rdev != null.st_rdev || input.st_mode & S_IFMT != S_IFCHR
  }

  /// The user's TERM, so that programs of the guest send what this terminal understands.
  private static var terminalType: String { getenv("TERM").map { String(cString: $0) } ?? "xterm" }
}

/// The raw mode of standard input, which the signal thread must be able to end. Thread-safe.
final class RawTerminalHolder: Sendable {
  private let terminal = Mutex<RawTerminal?>(nil)

  func set() throws {
    let raw = try RawTerminal(0)
    terminal.withLock { $0 = raw }
  }

  func restore() { terminal.withLock { $0 }?.restore() }
}
