import ProviumSystem
import ProviumEvents
import ProviumSystem

/// The lines below all results. Pure.
struct EndingLines {
  /// Above this number of files, failures have scrolled away and are repeated.
  static let manyFiles = 10

  let palette: Palette
  let verbosity: Verbosity
  /// The path of a failed file's log; nil when it has none.
  let logPath: (FileResult) -> String?

  func lines(of record: RunRecord) -> [String] {
    let failed = record.finalRuns.filter { $0.result?.hasFailed ?? true }
      .map { $0.finished(at: record.duration, because: record.ending?.stoppedEarly) }
    let summary = record.summary
    var lines: [String] = []
    if record.finalRuns.count > Self.manyFiles, !failed.isEmpty, verbosity != .quiet {
      lines += ["", "Failures:"] + failed.flatMap { briefly($0) }
    }
    let logs = failed.compactMap { result in logPath(result).map { (result.file, $0) } }
    if !logs.isEmpty {
      lines += ["", "Failed test logs:"]
      lines += logs.map { "  \(HarmlessText.line($0.0))  →  \(HarmlessText.line($0.1))" }
    }
    if !summary.retried.isEmpty {
      lines += ["", "Passed only when run again, after an infrastructure error:"]
      lines += record.finalRuns.compactMap(\.result).filter { $0.attempt > 0 && !$0.hasFailed }.map {
        result in
        let log = logPath(result).map { "  →  \(HarmlessText.line($0))" } ?? ""
        return "  \(HarmlessText.line(result.file))\(log)"
      }
    }
    if let table = MatrixTable(of: record) {
      let matrix = MatrixLines(palette: palette, isQuiet: verbosity == .quiet).lines(of: table)
      if !matrix.isEmpty { lines += [""] + matrix }
    }
    if let reason = summary.stoppedEarly { lines += ["", palette.odd(stopped(reason, record.missing))] }
    if verbosity == .verbose { lines += ["", totals(summary)] }
    return lines + ["", lastLine(summary)]
  }

  private func briefly(_ result: FileResult) -> [String] {
    var lines: [String] = []
    func add(_ name: String, _ failure: Failure) {
      let message = failure.lines
      lines.append("  \(HarmlessText.line(name)): \(message[0])")
      lines += message.dropFirst().map { "        \($0)" }
    }
    for test in TestTree.ordered(result.subTests) {
      if case .failed(let failure) = test.result.outcome, failure.kind != .inner {
        add("\(result.file) · \(test.title)", failure)
      }
    }
    if case .failed(let failure) = result.outcome { add(result.file, failure) }
    return lines
  }

  private func stopped(_ reason: String, _ missing: [String]) -> String {
    let rest = missing.isEmpty ? "" : "; \(Amount.count(missing.count, "file")) did not run"
    return "stopped early: \(HarmlessText.line(reason))\(rest)"
  }

  private func totals(_ summary: RunSummary) -> String {
    let files = summary.passed + summary.failed + summary.skipped
    let tests = summary.testsPassed + summary.testsFailed + summary.testsTodo + summary.testsSkipped
    return
      "\(Amount.count(files, "file")), \(Amount.count(tests, "test")) in \(Amount.text(seconds: summary.duration))"
  }

  /// `FAIL: 1 file passed, 1 failed`. Passed and failed are files; skipped are files and sub-tests, todo are
  /// sub-tests.
  private func lastLine(_ summary: RunSummary) -> String {
    var parts = ["\(Amount.count(summary.passed, "file")) passed"]
    func add(_ count: Int, _ word: String) { if count > 0 { parts.append("\(count) \(word)") } }
    add(summary.failed, "failed")
    add(summary.skipped + summary.testsSkipped, "skipped")
    add(summary.testsTodo, "todo")
    add(summary.helpers, summary.helpers == 1 ? "helper" : "helpers")
    add(summary.retried.count, "retried")
    let counts = parts.joined(separator: ", ")
    if summary.failed > 0 { return palette.bad("FAIL: \(counts)") }
    return summary.stoppedEarly == nil ? palette.good("ok: \(counts)") : palette.odd("STOPPED: \(counts)")
  }
}
