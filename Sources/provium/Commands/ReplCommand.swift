import ArgumentParser
import Glibc
import ProviumRunner
import ProviumRuntime
import ProviumScripts
import ProviumSystem

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
  @OptionGroup(title: "VMs") var machines: MachineOptions

  private static let prompt = "> "
  private static let continuation = ">> "

  func run() throws {
    guard start.fixture == nil || (start.profile == nil && start.memory == nil) else {
      throw ValidationError("a fixture has its own profile and memory: leave out --profile and --mem")
    }
    // QEMU ends with this process (parent-death signal), and the reaper removes the run directory.
    _ = try SignalThread { number, _ in _exit(ExitStatusCode.signal(number)) }
    let configuration = try ConfigurationFile.find(kernel: machines.kernel())
    let activity = isatty(2) == 1 ? ActivityLine() : nil
    let engine = try Engine(
      configuration: configuration,
      options: try machines.engineOptions(),
      sinks: activity.map { [$0] } ?? []
    )
    defer { engine.close() }
    let prompt = try ScriptPrompt(engine: engine) { bytes in
      activity?.end()
      let text = String(decoding: bytes, as: UTF8.self)
      // Text that a guest printed must not control the terminal.
      Console.write(isatty(1) == 1 ? HarmlessText.clean(text) : text, to: 1)
    }
    defer { prompt.close() }
    do {
      try prompt.start(
        start.fixture.map { .fixture($0) }
          ?? .profile(start.profile ?? "default", memory: start.memory?.bytes)
      )
    } catch {
      activity?.end()
      throw error
    }
    activity?.end()
    let isTerminal = isatty(0) == 1 && isatty(1) == 1
    let hasFailed =
      try isTerminal
      ? readTerminal(prompt, history: PromptHistory(configuration.settings.cache), activity)
      : readInput(prompt)
    if hasFailed { throw ExitCode(ExitStatusCode.testFailed) }
  }

  // MARK: Lines

  /// - Returns: false: at a terminal a failure is seen, and is no result.
  private func readTerminal(_ prompt: ScriptPrompt, history: PromptHistory, _ activity: ActivityLine?) throws
    -> Bool
  {
    Console.error("provium: vm is the VM; Tab completes, Ctrl-D leaves")
    var editor = LineEditor(history: history.lines)
    var begun = ""
    while true {
      let line = try editor.read(
        prompt: begun.isEmpty ? Self.prompt : Self.continuation,
        complete: { prompt.completions(of: $0) }
      )
      switch line {
      case .end: return false
      case .cancelled: begun = ""
      case .text(let text):
        editor.remember(text)
        history.add(text)
        begun += (begun.isEmpty ? "" : "\n") + text
        guard !begun.trimmed.isEmpty else {
          begun = ""
          continue
        }
        let evaluation = prompt.evaluate(begun)
        activity?.end()
        if evaluation == .incomplete { continue }
        show(evaluation, prompt)
        begun = ""
      }
    }
  }

  /// - Returns: Whether an evaluation failed.
  private func readInput(_ prompt: ScriptPrompt) throws -> Bool {
    var hasFailed = false
    var begun = ""
    while let line = readLine() {
      begun += (begun.isEmpty ? "" : "\n") + line
      guard !begun.trimmed.isEmpty else {
        begun = ""
        continue
      }
      let evaluation = prompt.evaluate(begun)
      if evaluation == .incomplete { continue }
      if show(evaluation, prompt) { hasFailed = true }
      begun = ""
    }
    guard begun.isEmpty else {
      Console.error("provium: the input ends in the middle of: \(HarmlessText.line(begun))")
      return true
    }
    return hasFailed
  }

  /// - Returns: Whether the evaluation failed.
  @discardableResult
  private func show(_ evaluation: ScriptPrompt.Evaluation, _ prompt: ScriptPrompt) -> Bool {
    let reports = prompt.kernelReports()
    if let reports { Console.error("provium: \(reports)") }
    switch evaluation {
    case .incomplete: break
    case .values(let values): if !values.isEmpty { Console.print(values.joined(separator: "\t")) }
    case .failed(let message):
      Console.error(message)
      return true
    }
    return reports != nil
  }
}

/// The lines of earlier prompts, in a file of the cache that only its owner reads.
private struct PromptHistory {
  private static let most = 1000
  private let path: String

  init(_ cache: String) { path = "\(cache)/repl-history" }

  var lines: [String] {
    let text = (try? Files.readText(path)) ?? ""
    return text.split(separator: "\n").suffix(Self.most).map(String.init)
  }

  /// Adds a line. A history that cannot be written stops nothing.
  func add(_ line: String) {
    guard !line.trimmed.isEmpty,
      let file = try? Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
    else { return }
    try? Files.writeAll(Array("\(line)\n".utf8), to: file.raw, path: path)
  }
}
