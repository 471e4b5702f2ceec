import ProviumSystem
import ProviumEvents
import ProviumSystem

/// One finished file as lines for people. Pure.
struct ResultLines {
  let verbosity: Verbosity
  let palette: Palette

  /// No lines for a file that the verbosity leaves out.
  func lines(of result: FileResult) -> [String] {
    if verbosity == .quiet, !result.hasFailed { return [] }
    var lines = ["  \(HarmlessText.line(result.file)) ... \(verdict(on: result))"]
    for test in TestTree.ordered(result.subTests)
    where verbosity != .quiet || test.result.outcome.isFailure {
      lines += self.lines(of: test.result, title: test.title)
    }
    if case .failed(let failure) = result.outcome {
      let message = failure.lines
      lines.append("    \(palette.bad(message[0]))")
      lines += indented(message.dropFirst()) + details(of: failure, output: result.output)
    } else if verbosity == .verbose || result.hasFailed {
      lines += section("output", HarmlessText.lines(result.output))
    }
    return lines
  }

  private func verdict(on result: FileResult) -> String {
    var facts = [Amount.text(seconds: result.duration)]
    if result.attempt > 0 { facts.append("attempt \(result.attempt + 1)") }
    if result.hasFailed { return "\(palette.bad("FAIL")) (\(facts.joined(separator: ", ")))" }
    if result.isHelper { return palette.faint("helper (no tests)") }
    switch result.outcome {
    case .todo(let reason): return palette.odd(Self.word("todo", reason))
    case .skipped(let reason): return palette.odd(Self.word("skipped", reason))
    case .passed, .failed: break
    }
    if !result.subTests.isEmpty { facts.insert(Amount.count(result.subTests.count, "test"), at: 0) }
    return "\(palette.good("ok")) (\(facts.joined(separator: ", ")))"
  }

  private func lines(of test: SubTestResult, title: String) -> [String] {
    let start = "    · \(HarmlessText.line(title)) ... "
    switch test.outcome {
    case .passed:
      return [start + palette.good("ok")]
        + (verbosity == .verbose ? section("output", HarmlessText.lines(test.output)) : [])
    case .todo(let reason): return [start + palette.odd(Self.word("todo", reason))]
    case .skipped(let reason): return [start + palette.odd(Self.word("skipped", reason))]
    case .failed(let failure):
      let message = failure.lines
      return ["\(start)\(palette.bad("FAIL")): \(message[0])"] + indented(message.dropFirst())
        + details(of: failure, output: test.output)
    }
  }

  // MARK: Failures

  private func indented(_ lines: some Sequence<String>) -> [String] { lines.map { "        \($0)" } }

  private func details(of failure: Failure, output: String) -> [String] {
    return section("traceback", failure.traceback.count > 1 ? failure.traceback : [])
      + failure.keptLines.map { "        \(palette.odd("kept:")) \(HarmlessText.line($0))" }
      + section("output", HarmlessText.lines(output))
      + section("last operations", failure.trace)
      + console(of: failure)
  }

  /// A kernel report begins with its reason and the innermost frames. Every other console ends with what matters.
  private func console(of failure: Failure) -> [String] {
    if failure.kind == .kernelReport {
      let lines = failure.console.prefix(30)
      return section("kernel report (first \(Amount.count(lines.count, "line")))", Array(lines))
    }
    let lines = failure.console.suffix(20)
    return section("console (last \(Amount.count(lines.count, "line")))", Array(lines))
  }

  /// A string of `content` may have several lines. All of them are indented.
  private func section(_ title: String, _ content: [String]) -> [String] {
    guard !content.isEmpty else { return [] }
    return [palette.faint("    --- \(title) ---")]
      + content.flatMap { text in
        let lines = HarmlessText.lines(text)
        return lines.isEmpty ? [""] : lines.map { "      \($0)" }
      }
  }

  static func word(_ word: String, _ reason: String) -> String {
    reason.isEmpty ? word : "\(word): \(HarmlessText.line(reason))"
  }
}
