import ArgumentParser
import ProviumRuntime
import ProviumScripts
import ProviumSystem

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

  @OptionGroup var start: StartOptions
  @OptionGroup(title: "Folders") var folders: FolderOptions
  @OptionGroup(title: "VMs") var machines: VMOptions
  @Argument(parsing: .postTerminator, help: "A command to run instead of a shell, after --.")
  var command: [String] = []

  func run() throws {
    guard start.fixture == nil || (start.profile == nil && start.memory == nil && folders.root == nil) else {
      throw ValidationError(
        "a fixture has its own profile, memory and root: leave out --profile, --mem and --root"
      )
    }
    try TerminalCommand().run(
      command.isEmpty ? [TerminalCommand.shell] : command,
      makeEngine: { activity in
        let configuration = try ConfigurationFile.find(kernel: machines.kernel())
        let engine = try Engine(
          configuration: configuration,
          options: try machines.engineOptions(),
          sinks: activity.map { [$0] } ?? []
        )
        if let fixture = start.fixture { return (engine, .fixture(fixture)) }
        return (engine, .profile(try configuration.profile(start.profile ?? "default")))
      },
      memory: start.memory?.bytes,
      folders: folders.folders
    )
  }
}
