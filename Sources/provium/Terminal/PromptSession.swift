import ArgumentParser
import Glibc
import ProviumRunner
import ProviumRuntime
import ProviumScripts
import ProviumSystem

/// A Lua prompt with a VM on the user's terminal, or on pipes where there is none: `provium repl`, `provium open --lua`.
enum PromptSession {
  private static let firstPrompt = "> "
  private static let nextPrompt = ">> "

  /// Starts the VM of `origin`, evaluates lines until the input ends, and ends the VM.
  /// - Parameter makeEngine: makes the engine, with the sink for its events.
  /// - Throws: `ExitCode`, where there is no terminal and a line failed.
  static func run(_ origin: ScriptPrompt.Origin, makeEngine: (ActivityLine?) throws -> Engine) throws {
    // QEMU ends with this process (parent-death signal), and the reaper removes the run directory.
    _ = try SignalThread { number, _ in _exit(ExitStatusCode.signal(number)) }
    let activity = isatty(2) == 1 ? ActivityLine() : nil
    let engine = try makeEngine(activity)
    defer { engine.close() }
    let prompt = try ScriptPrompt(engine: engine) { bytes in
      activity?.end()
      let text = String(decoding: bytes, as: UTF8.self)
      // Text that a guest printed must not control the terminal.
      Console.write(isatty(1) == 1 ? HarmlessText.clean(text) : text, to: 1)
    }
    defer { prompt.close() }
    do { try prompt.start(origin) } catch {
      activity?.end()
      throw error
    }
    activity?.end()
    let isTerminal = isatty(0) == 1 && isatty(1) == 1
    let history = PromptHistory(engine.configuration.settings.cache)
    let hasFailed =
      try isTerminal ? readTerminal(prompt, history: history, activity) : readInput(prompt)
    if hasFailed { throw ExitCode(ExitStatusCode.testFailed) }
  }

  // MARK: Lines

  /// - Returns: false: at a terminal a failure is seen, and is no result.
  private static func readTerminal(_ prompt: ScriptPrompt, history: PromptHistory, _ activity: ActivityLine?)
    throws
    -> Bool
  {
    Console.error("provium: vm is the VM; Tab completes, Ctrl-D leaves")
    var editor = LineEditor(history: history.lines)
    var begun = ""
    while true {
      let line = try editor.read(
        prompt: begun.isEmpty ? firstPrompt : nextPrompt,
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
  private static func readInput(_ prompt: ScriptPrompt) throws -> Bool {
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
  private static func show(_ evaluation: ScriptPrompt.Evaluation, _ prompt: ScriptPrompt) -> Bool {
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
