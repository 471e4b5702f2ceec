import ArgumentParser
import ProviumRunner
import ProviumRuntime
import ProviumScripts

struct ReplCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repl",
    abstract: "Start a VM and evaluate Lua at a prompt, with the VM as vm.",
    discussion: """
      All functions of test scripts are there. An expression shows its values. Tab completes names; the arrow keys find the lines \
      before, also those of earlier prompts. Ctrl-D leaves, and so does Ctrl-C while a call runs. Without a terminal the lines come \
      from standard input, and the exit code is 1 if one of them failed.
      """
  )

  @OptionGroup var start: StartOptions
  @OptionGroup(title: "VMs") var machines: VMOptions

  func run() throws {
    guard start.fixture == nil || (start.profile == nil && start.memory == nil) else {
      throw ValidationError("a fixture has its own profile and memory: leave out --profile and --mem")
    }
    let origin: ScriptPrompt.Origin =
      start.fixture.map { .fixture($0) }
      ?? .profile(start.profile ?? "default", memory: start.memory?.bytes)
    try PromptSession.run(origin) { activity in
      try Engine(
        configuration: try ConfigurationFile.find(kernel: machines.kernel()),
        options: try machines.engineOptions(),
        sinks: activity.map { [$0] } ?? []
      )
    }
  }
}
