import ProviumEvents

/// Turns the reports of a run into the failures and the skip reason of one native case.
///
/// All text is safe for the JUnit files of test runners.
package struct CaseReader: Sendable {
  /// One failure that the case records.
  package struct CaseFailure: Sendable {
    package let message: String
    /// The output of the test, the traceback, the last operations and the console; nil if there is none of them.
    package let details: String?
    /// The line in the test file.
    package let line: Int
    /// Whole logs of the test that failed.
    package let logs: [Log]
  }

  /// A log of a test: never empty.
  package struct Log: Sendable {
    /// The name of the test: `outer / inner`.
    package let test: String
    /// `output`, `console` or `operations`.
    package let kind: String
    package let text: String
  }

  /// The number of lines of a test's output in `details`; `logs` has all of them.
  private static let shownOutput = 50

  private let file: NativeFile
  private let test: NativeCase
  private var hasInnerFailure = false
  /// Why the case was skipped while it ran.
  package private(set) var skipReason: String?

  package init(_ file: NativeFile, _ test: NativeCase) {
    self.file = file
    self.test = test
  }

  /// The failure of a case whose reports were read before.
  package var repeated: CaseFailure {
    plain("a Lua sub-test cannot be repeated on its own: its file runs as a whole", line: test.line)
  }

  package mutating func read(_ report: NativeRun.Report) -> [CaseFailure] {
    switch report {
    case .ended(let result):
      // The inner failure is recorded already, or belongs to another case and is named there.
      if hasInnerFailure, result.outcome.failure?.kind == .inner { return [] }
      return read(result.outcome, name: result.name, output: result.output, line: test.line)
    case .inner(let result):
      hasInnerFailure = hasInnerFailure || result.outcome.isFailure
      return inner(result)
    case .notReached(let why, let location):
      return [plain("not reached: \(why)", line: location?.line ?? test.line)]
    case .script(let result, let unlisted):
      return unlisted.flatMap(inner)
        + read(result.outcome, name: "(script)", output: result.output, line: test.line)
    }
  }

  private mutating func read(_ outcome: Outcome, name: String, output: String, line: Int) -> [CaseFailure] {
    switch outcome {
    case .passed: return []
    case .skipped(let reason): skipReason = XMLText.clean(reason.isEmpty ? "skipped" : reason)
    case .todo(let reason): skipReason = XMLText.clean(reason.isEmpty ? "todo" : "todo: \(reason)")
    case .failed(let failure): return [self.failure(failure, name: name, output: output, line: line)]
    }
    return []
  }

  /// A sub-test without a case of its own. Only its failure concerns the case.
  private func inner(_ result: SubTestResult) -> [CaseFailure] {
    guard case .failed(let failure) = result.outcome else { return [] }
    return [
      self.failure(
        failure,
        prefix: "\(result.name): ",
        name: result.name,
        output: result.output,
        line: result.location.line
      )
    ]
  }

  private func plain(_ message: String, line: Int) -> CaseFailure {
    CaseFailure(message: XMLText.clean(message), details: nil, line: line, logs: [])
  }

  private func failure(
    _ failure: Failure,
    prefix: String = "",
    name: String,
    output: String,
    line: Int
  ) -> CaseFailure {
    // A failure in a helper has the helper's name in its message, and the line of the case.
    let isOwn = failure.location.map { $0.file == file.file.displayPath } ?? true
    let details = Self.details(of: failure, output: output)
    return CaseFailure(
      message: XMLText.clean(prefix + (isOwn ? failure.message : failure.summary)),
      details: details.isEmpty ? nil : XMLText.clean(details.joined(separator: "\n")),
      line: isOwn ? failure.location?.line ?? line : line,
      logs: [
        ("output", output), ("console", failure.console.joined(separator: "\n")),
        ("operations", failure.trace.joined(separator: "\n")),
      ]
      .filter { !$0.1.isEmpty }.map { Log(test: name, kind: $0.0, text: $0.1) }
    )
  }

  private static func details(of failure: Failure, output: String) -> [String] {
    func indented(_ lines: [String]) -> [String] { lines.map { "  \($0)" } }
    var details: [String] = []
    if !output.isEmpty {
      let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
      details.append(lines.count <= shownOutput ? "output:" : "output (last \(shownOutput) lines):")
      details += indented(lines.suffix(shownOutput).filter { !$0.isEmpty }.map(String.init))
    }
    details += failure.keptLines.map { "kept: \($0)" }
    if failure.traceback.count > 1 { details += ["traceback:"] + indented(failure.traceback) }
    if !failure.trace.isEmpty { details += ["last operations:"] + indented(failure.trace) }
    if !failure.console.isEmpty {
      details += ["console (last \(failure.console.count) lines):"] + indented(failure.console)
    }
    return details
  }
}
