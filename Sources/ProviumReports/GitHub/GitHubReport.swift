import ProviumEvents
import ProviumSystem

/// Inside GitHub Actions: an annotation at the line of each failure, and a summary on the job's page.
package enum GitHubReport {
  /// Annotations of one step that GitHub shows; the others are in the summary.
  static let shownAnnotations = 10

  /// A sink; nil outside GitHub Actions (`GITHUB_ACTIONS`). It writes when the run has ended: give it to the stream after
  /// the terminal's.
  package static func sink(
    environment: @escaping @Sendable (String) -> String? = { Environment[$0] },
    output: LineOutput = .descriptor(1)
  ) -> RecordedReport? {
    guard environment("GITHUB_ACTIONS") == "true" else { return nil }
    return RecordedReport { record in
      output.write(lines: annotations(of: record, workspace: environment("GITHUB_WORKSPACE")))
      guard let path = environment("GITHUB_STEP_SUMMARY") else { return }
      do { try LogFile.append(StepSummary(of: record).text, to: path, mode: 0o644) } catch {
        throw ReportError("write the step summary to", path, "\(error)")
      }
    }
  }

  /// `::error file=…,line=…,title=…::message` for each failure, most telling first. Pure.
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
      parts += ["file=\(property(file))", "line=\(location.line)"]
    }
    parts.append("title=\(property(HarmlessText.line(test.title)))")
    return
      "::error \(parts.joined(separator: ","))::\(data(ResultLines.message(test.failure).joined(separator: "\n")))"
  }

  /// As GitHub's own toolkit escapes a command's message …
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

  /// … and its properties.
  static func property(_ text: String) -> String {
    data(text).map { $0 == ":" ? "%3A" : $0 == "," ? "%2C" : String($0) }.joined()
  }
}

/// A sub-test or script that failed by itself: what stands around a failed sub-test has nothing to add.
struct FailedTest {
  let file: String
  /// nil: the script, outside its sub-tests.
  let name: String?
  let failure: Failure

  var title: String { name.map { "\(file) · \($0)" } ?? file }

  static func all(in record: RunRecord) -> [FailedTest] {
    record.results.flatMap { result -> [FailedTest] in
      var tests = TestTree.ordered(result.subTests).compactMap { test -> FailedTest? in
        guard case .failed(let failure) = test.outcome, failure.kind != .inner else { return nil }
        return FailedTest(file: result.file, name: test.name, failure: failure)
      }
      if case .failed(let failure) = result.outcome {
        tests.append(FailedTest(file: result.file, name: nil, failure: failure))
      }
      return tests
    }
  }
}
