import ProviumSystem
import ProviumEvents

/// One finished file as the lines people read. Pure.
struct ResultLines {
  let verbosity: Verbosity
  let palette: Palette

  /// Nothing for what the verbosity leaves out.
  func lines(of result: FileResult) -> [String] {
    if verbosity == .quiet, !result.hasFailed { return [] }
    var lines = ["  \(HarmlessText.line(result.file)) ... \(verdict(on: result))"]
    for test in TestTree.ordered(result.subTests) where verbosity != .quiet || test.outcome.isFailure {
      lines += self.lines(of: test)
    }
    if case .failed(let failure) = result.outcome {
      let message = Self.message(failure)
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

  private func lines(of test: SubTestResult) -> [String] {
    let start = "    · \(HarmlessText.line(test.name)) ... "
    switch test.outcome {
    case .passed:
      return [start + palette.good("ok")]
        + (verbosity == .verbose ? section("output", HarmlessText.lines(test.output)) : [])
    case .todo(let reason): return [start + palette.odd(Self.word("todo", reason))]
    case .skipped(let reason): return [start + palette.odd(Self.word("skipped", reason))]
    case .failed(let failure):
      let message = Self.message(failure)
      return ["\(start)\(palette.bad("FAIL")): \(message[0])"] + indented(message.dropFirst())
        + details(of: failure, output: test.output)
    }
  }

  // MARK: Failures

  /// The summary's lines, at least one; the kind where it is not the script's own.
  static func message(_ failure: Failure) -> [String] {
    var lines = HarmlessText.lines(failure.summary)
    if lines.isEmpty { lines = ["failed without a message"] }
    switch failure.kind {
    case .assertion, .error, .inner: break
    case .infrastructure, .timeout, .kernelReport: lines[0] = "(\(failure.kind.title)) \(lines[0])"
    }
    return lines
  }

  private func indented(_ lines: some Sequence<String>) -> [String] { lines.map { "        \($0)" } }

  private func details(of failure: Failure, output: String) -> [String] {
    let console = failure.console.suffix(20)
    return section("traceback", failure.traceback.count > 1 ? failure.traceback : [])
      + section("output", HarmlessText.lines(output))
      + section("last operations", failure.trace)
      + section("console (last \(Amount.count(console.count, "line")))", Array(console))
  }

  /// Each string may itself have several lines: a guest's line end is no reason to leave the column.
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
