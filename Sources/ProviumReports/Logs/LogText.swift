import ProviumEvents
import ProviumSystem

/// The lines of an event in a file's log. Pure.
enum LogText {
  static func lines(_ event: RunEvent, at time: Double) -> [String] {
    let content = text(event)
    let stamp =
      "[" + String(repeating: " ", count: max(0, 9 - Amount.decimal(time).count)) + Amount.decimal(time)
      + "] "
    let margin = String(repeating: " ", count: stamp.count)
    return content.enumerated().map { ($0.offset == 0 ? stamp : margin) + $0.element }
  }

  private static func text(_ event: RunEvent) -> [String] {
    switch event {
    case .fileStarted(let file, let attempt):
      ["=== \(HarmlessText.line(file))\(attempt > 0 ? ", attempt \(attempt + 1)" : "") ==="]
    case .activity(_, let text): [HarmlessText.line(text)]
    case .subTestStarted(_, let path, let location):
      ["--- test \(name(path)) (\(HarmlessText.line("\(location)")))"]
    case .output(_, _, let text): headed("print: ", HarmlessText.lines(text))
    case .subTestEnded(_, let result):
      headed(
        "--- \(result.outcome.name): \(name(result.path)) (\(Amount.text(seconds: result.duration)))",
        []
      )
        + details(result.outcome)
    case .warning(_, let text): headed("warning: ", HarmlessText.lines(text))
    case .fileEnded(let result):
      [
        "=== \(result.hasFailed ? "failed" : result.outcome.name) (\(Amount.text(seconds: result.duration))) ==="
      ]
        + details(result.outcome)
    case .runStarted, .runEnded: []
    case .machineStarted, .machineReady, .machineEnded: machine(event)
    case .poolWaiting, .poolGranted, .poolGrown, .poolReleased: pool(event)
    }
  }

  private static func machine(_ event: RunEvent) -> [String] {
    switch event {
    case .machineStarted(let machine):
      [
        "VM \(machine.id) (\(HarmlessText.line(machine.profile)), \(machine.origin)): "
          + "\(Amount.text(bytes: machine.memory)) memory, \(Amount.count(machine.cpus, "processor"))"
      ]
    case .machineReady(let id, let duration, let kernel):
      [
        "VM \(id) answers after \(Amount.text(seconds: duration))"
          + (kernel.map { ", kernel \(HarmlessText.line($0))" } ?? "")
      ]
    case .machineEnded(let id, let reason):
      ["VM \(id) ended\(reason.isEmpty ? "" : ": \(HarmlessText.line(reason))")"]
    default: []
    }
  }

  private static func pool(_ event: RunEvent) -> [String] {
    switch event {
    case .poolWaiting(_, let memory, let cpus):
      ["waits for \(Amount.text(bytes: memory)) memory and \(Amount.count(cpus, "processor"))"]
    case .poolGranted(_, let reservation, let memory, let cpus, let waited):
      [
        "reservation \(reservation): \(Amount.text(bytes: memory)) memory and \(Amount.count(cpus, "processor")) "
          + "after \(Amount.text(seconds: waited))"
      ]
    case .poolGrown(_, let reservation, let memory):
      ["reservation \(reservation) has grown to \(Amount.text(bytes: memory))"]
    case .poolReleased(_, let reservation): ["reservation \(reservation) released"]
    default: []
    }
  }

  private static func name(_ path: [String]) -> String { HarmlessText.line(path.joined(separator: " / ")) }

  private static func headed(_ head: String, _ lines: [String]) -> [String] {
    ["\(head)\(lines.first ?? "")"] + lines.dropFirst()
  }

  private static func details(_ outcome: Outcome) -> [String] {
    switch outcome {
    case .passed: return []
    case .todo(let reason), .skipped(let reason):
      return reason.isEmpty ? [] : ["  \(HarmlessText.line(reason))"]
    case .failed(let failure):
      func section(_ title: String, _ content: [String]) -> [String] {
        content.isEmpty
          ? [] : ["  --- \(title) ---"] + content.flatMap { HarmlessText.lines($0).map { "  \($0)" } }
      }
      return failure.lines.map { "  \($0)" } + section("traceback", failure.traceback)
        + section("last operations", failure.trace) + section("console", failure.console)
    }
  }
}
