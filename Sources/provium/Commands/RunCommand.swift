import ArgumentParser
import Glibc
import ProviumRunner
import ProviumRuntime
import ProviumScripts
import ProviumSystem

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Boot a VM, run one command in it, print its output, and exit with its code.",
    discussion: """
      Needs no configuration, no root and no terminal: provium run -- uname -a

      Output is printed as it arrives. The command reads what is piped or redirected to standard input.
      """
  )

  @Option(name: .customLong("profile"), help: "Boot this profile of provium.toml; default is built in.")
  var profile = "default"
  @Option(
    name: .customLong("mem"),
    help: ArgumentHelp("Give the VM this much memory, such as 1G.", valueName: "size")
  )
  var memory: ByteCount?
  @Option(
    name: .customLong("timeout"),
    help: ArgumentHelp("End the command after this time, such as 30s.", valueName: "time")
  )
  var timeout: TimeSpan?
  @OptionGroup(title: "Folders") var folders: FolderOptions
  @OptionGroup(title: "VMs") var machines: VMOptions
  @Argument(parsing: .postTerminator, help: "The command, after --.") var command: [String] = []

  func run() throws {
    // Not in `validate`, which would hide an unknown option.
    guard !command.isEmpty else { throw ValidationError("no command: provium run -- COMMAND…") }
    // QEMU ends with this process (parent-death signal), and the reaper removes the run directory.
    _ = try SignalThread { number, _ in _exit(ExitStatusCode.signal(number)) }
    let configuration = try self.configuration()
    let activity = isatty(2) == 1 ? ActivityLine() : nil
    let engine = try Engine(
      configuration: configuration,
      options: try machines.engineOptions(),
      sinks: activity.map { [$0] } ?? []
    )
    defer { engine.close() }
    Console.announceDebugLogs(of: engine)
    let run = SingleCommand(
      engine: engine,
      origin: .profile(try configuration.profile(profile)),
      memory: memory?.bytes,
      folders: folders.folders
    )
    let result: SingleCommand.Result
    do {
      let streams = SingleCommand.Streams(input: TerminalCommand.hasInput ? 0 : nil)
      result = try run.run(command, timeout: timeout?.duration, streams: streams) { bytes, isError in
        activity?.end()
        try Console.writeAll(bytes, to: isError ? 2 : 1)
      }
    } catch {
      activity?.end()
      throw error
    }
    try engine.events.finish()
    if result.timedOut { Console.error("provium: the command reached --timeout and was killed") }
    if let reports = result.kernelReports { Console.error("provium: \(reports)") }
    if result.timedOut { throw ExitCode(ExitStatusCode.timedOut) }
    // A kernel report fails the run, as it fails a test. A failure of the command itself keeps its code.
    let exitCode = result.exitCode ?? 0
    throw ExitCode(exitCode == 0 && result.kernelReports != nil ? 1 : exitCode)
  }

  /// The project's configuration. In a kernel build tree, the built-in profile boots that tree's kernel.
  private func configuration() throws -> Configuration {
    var configuration = try ConfigurationFile.find(kernel: machines.kernel())
    guard configuration.kernel == nil, try configuration.profile(profile).kernel == nil else {
      return configuration
    }
    let folder = Files.currentDirectory
    guard let release = KernelAdministration.builtTree(folder) else { return configuration }
    configuration.kernel = folder
    Console.error("provium: booting the kernel of this build tree (\(release)); --kernel names another one")
    return configuration
  }
}
