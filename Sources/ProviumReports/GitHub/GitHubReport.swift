import ProviumEvents
import ProviumSystem

/// The report inside GitHub Actions: an annotation at the line of each failure, and a summary on the job's
/// page.
package enum GitHubReport {
  /// The number of annotations of one step that GitHub shows. Further failures are in the summary.
  static let shownAnnotations = 10

  /// Makes the sink; nil outside GitHub Actions (`GITHUB_ACTIONS`). It writes at the run's end: in the list
  /// of sinks it must follow the terminal's, so that annotations follow the results.
  package static func sink(
    environment: @escaping @Sendable (String) -> String? = { Environment[$0] },
    output: LineOutput = .descriptor(1)
  ) -> RecordedReport? {
    guard environment("GITHUB_ACTIONS") == "true" else { return nil }
    return RecordedReport { record in
      output.write(lines: annotations(of: record, workspace: environment("GITHUB_WORKSPACE")))
      guard let path = environment("GITHUB_STEP_SUMMARY") else { return try output.check() }
      do { try LogFile.append(StepSummary(of: record).text, to: path, mode: 0o644) } catch {
        throw ReportError("write the step summary to", path, "\(error)")
      }
      try output.check()
    }
  }

  /// `::error file=…,line=…,title=…::message` for each failure. Pure.
  package static func annotations(of record: RunRecord, workspace: String?) -> [String] {
    let failures = FailedTest.all(in: record)
    var lines = failures.prefix(shownAnnotations).map { command($0, workspace: workspace) }
    if failures.count > shownAnnotations {
      lines[shownAnnotations - 1] =
        "::error title=provium::"
        + data("\(failures.count - shownAnnotations + 1) more failures: see the step's summary and its log")
    }
    lines += record.warnings.prefix(shownAnnotations).map { warning in
      let title = warning.file.map { "provium: \($0)" } ?? "provium"
      return "::warning title=\(property(title))::\(data(warning.text))"
    }
    return lines
  }

  private static func command(_ test: FailedTest, workspace: String?) -> String {
    var parts: [String] = []
    if let location = test.failure.location {
      var file = location.file
      if let workspace, file.hasPrefix(workspace + "/") { file = String(file.dropFirst(workspace.count + 1)) }
      parts += ["file=\(property(PathText.plain(file)))", "line=\(location.line)"]
    }
    parts.append("title=\(property(HarmlessText.line(test.title)))")
    return
      "::error \(parts.joined(separator: ","))::\(data(test.failure.lines.joined(separator: "\n")))"
  }

  /// Escapes the message of a command as GitHub's toolkit does.
  static func data(_ text: String) -> String {
    HarmlessText.clean(text).map { character in
      switch character {
      case "%": "%25"
      case "\r", "\r\n": "%0D"
      case "\n": "%0A"
      default: String(character)
      }
    }.joined()
  }

  /// Escapes a property of a command as GitHub's toolkit does.
  static func property(_ text: String) -> String {
    data(text).map { $0 == ":" ? "%3A" : $0 == "," ? "%2C" : String($0) }.joined()
  }
}
