import ArgumentParser
import Glibc
import ProviumRunner
import ProviumRuntime
import ProviumSystem

/// The command `provium`. Each subcommand has a file in `Commands`.
@main struct Provium: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "provium",
    abstract: "Run Lua tests against a real Linux kernel, in seconds.",
    discussion: """
      Boots kernels in QEMU, with KVM if it works and without it otherwise, controls them through a small agent, and reports. \
      `provium doctor` checks whether this host can run tests.
      """,
    version: ProviumVersion.string,
    subcommands: [
      InitCommand.self, TestCommand.self, KselftestCommand.self, KUnitCommand.self, LTPCommand.self,
      FstestsCommand.self, RunCommand.self,
      ShellCommand.self, OpenCommand.self, ReplCommand.self, ExportCommand.self, ImportCommand.self,
      ListCommand.self, FixtureCommand.self, KernelCommand.self, HistoryCommand.self, ReportCommand.self,
      DoctorCommand.self, VersionCommand.self,
    ]
  )

  /// The arguments of the process. `CommandLine.arguments` replaces bytes that are not UTF-8, and the paths
  /// would be lost.
  private static func arguments() -> [String] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { index in
      guard let argument = CommandLine.unsafeArgv[index] else { return nil }
      let bytes = UnsafeRawBufferPointer(start: argument, count: strlen(argument))
      return String(validating: bytes, as: UTF8.self) ?? PathText.string(of: bytes)
    }
  }

  /// Parses the arguments of a process.
  static func parse(words: [String]) throws -> any ParsableCommand {
    try SingleDashCheck.check(words)
    return try parseAsRoot(words)
  }

  static func main() {
    // Writing to a closed pipe must return an error, not end the process.
    signal(SIGPIPE, SIG_IGN)
    var command: any ParsableCommand = Provium()
    do {
      let arguments = arguments()
      do { command = try parse(words: arguments) } catch  where exitCode(for: error) != .success {
        throw MissingTerminator.error(in: arguments) { (try? parse(words: $0)) is RunCommand } ?? error
      }
      do { try command.run() } catch let code as ExitCode {
        try Console.checkOutput()
        throw code
      }
      try Console.checkOutput()
    } catch let error as ExitCode {
      Glibc.exit(error.rawValue)
    } catch let error as SystemError where error.errno.number == EPIPE {
      // The reader closed the pipe: exit as if SIGPIPE were not ignored.
      Glibc.exit(ExitStatusCode.signal(SIGPIPE))
    } catch {
      // ArgumentParser also throws the help and the version.
      if exitCode(for: error) == .success { Self.exit(withError: error) }
      let message = type(of: command).fullMessage(for: error)
      let isUsage = exitCode(for: error) == .validationFailure
      Console.error(isUsage ? message : "provium: \(message.trimmingPrefix("Error: "))")
      Glibc.exit(ExitStatusCode.notJudged)
    }
  }
}
