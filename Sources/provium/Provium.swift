import ArgumentParser
import Glibc
import ProviumEvents
import ProviumRuntime
import ProviumSystem
import Synchronization

/// The command `provium`. One file a subcommand, in `Commands`.
@main struct Provium: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "provium",
    abstract: "Lua tests against a real Linux kernel, in seconds.",
    discussion: """
      Boots kernels in QEMU (with KVM where it works, without where it does not), drives them through a small \
      agent, and reports. `provium doctor` says what this machine can do.
      """,
    version: ProviumVersion.string,
    subcommands: [
      TestCommand.self, RunCommand.self, ListCommand.self, FixtureCommand.self, HistoryCommand.self,
      ReportCommand.self, DoctorCommand.self, VersionCommand.self,
    ]
  )

  static func main() {
    // A peer that is gone is an error of the call, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot(Self.withSeed(Array(CommandLine.arguments.dropFirst())))
      do { try command.run() } catch let code as ExitCode {
        try Console.checkOutput()
        throw code
      }
      try Console.checkOutput()
    } catch let error as ExitCode {
      Glibc.exit(error.rawValue)
    } catch let error as SystemError where error.errno.number == EPIPE {
      // Whoever read our output has seen enough; as if the signal had not been ignored.
      Glibc.exit(128 + SIGPIPE)
    } catch {
      // Help and the version are asked for that way too.
      if exitCode(for: error) == .success { Self.exit(withError: error) }
      // Everything else is no test's failure: usage, configuration or harness.
      let message = fullMessage(for: error)
      let isUsage = exitCode(for: error) == .validationFailure
      Console.error(isUsage ? message : "provium: \(message.droppingErrorPrefix)")
      Glibc.exit(ExitStatusCode.fault)
    }
  }

  /// `--shuffle` by itself is `--shuffle=0`: the parser's own options with an optional value would take a path for it.
  static func withSeed(_ arguments: [String]) -> [String] {
    guard let command = arguments.first, ["test", "list"].contains(command) else { return arguments }
    let options = arguments.prefix { $0 != "--" }
    return options.map { $0 == "--shuffle" ? "--shuffle=0" : $0 } + arguments.dropFirst(options.count)
  }
}

/// What `provium` exits with.
enum ExitStatusCode {
  /// A test failed.
  static let testFailed: Int32 = 1
  /// Usage, configuration or harness fault.
  static let fault: Int32 = 2

  /// What `results` come to, after others came to `code`. A run in which nothing but the harness failed says nothing of
  /// what was tested.
  static func of(_ results: [FileResult], after code: Int32 = 0) -> Int32 {
    results.reduce(code) { code, result in
      guard result.hasFailed, code != testFailed else { return code }
      return result.failedByInfrastructureAlone ? fault : testFailed
    }
  }
}

/// The process's own standard output and error.
enum Console {
  /// The first failure to write to standard output.
  private static let failure = Mutex<SystemError?>(nil)

  /// - Throws: when something of the output was lost, which no exit code may hide.
  static func checkOutput() throws {
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  static func print(_ text: String) { write(text + "\n", to: 1) }
  static func error(_ text: String) { write(text + "\n", to: 2) }

  static func write(_ bytes: some Sequence<UInt8>, to descriptor: Int32) {
    do { try Array(bytes).withUnsafeBytes { try writeAll($0, to: descriptor) } } catch let error
      as SystemError
    {
      if descriptor == 1 { failure.withLock { $0 = $0 ?? error } }
    } catch {}
  }

  static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
    try Files.writeAll(
      bytes,
      to: descriptor,
      path: descriptor == 1 ? "to standard output" : "to standard error"
    )
  }

  static func write(_ text: String, to descriptor: Int32) { write(text.utf8, to: descriptor) }
}

extension String {
  var droppingErrorPrefix: String { hasPrefix("Error: ") ? String(dropFirst(7)) : self }
}
