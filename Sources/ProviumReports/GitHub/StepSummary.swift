import ProviumSystem
import ProviumEvents
import ProviumSystem

/// A run as GitHub's Markdown, for the page of a job. Pure.
package struct StepSummary: Sendable {
  /// Bytes. GitHub refuses summaries above 1 MiB.
  private static let largest = 700_000
  /// The whole document.
  package private(set) var text: String

  /// Makes the document of the run so far.
  package init(of record: RunRecord) {
    let summary = record.summary
    let hasFailed = summary.failed > 0
    let sign = hasFailed ? "❌" : summary.stoppedEarly == nil ? "✅" : "⚠️"
    text = "## \(sign) provium: \(summary.passed) passed, \(summary.failed) failed\n\n"
    text += "| files passed | failed | skipped | tests passed | failed | todo | skipped | time |\n"
    text += "|---:|---:|---:|---:|---:|---:|---:|---:|\n"
    text += "| \(summary.passed) | \(summary.failed) | \(summary.skipped) | \(summary.testsPassed) "
    text += "| \(summary.testsFailed) | \(summary.testsTodo) | \(summary.testsSkipped) "
    text += "| \(Amount.text(seconds: summary.duration)) |\n\n"
    if let header = record.header {
      let facts =
        record.kernels.map { "kernel \($0)" } + [
          "QEMU \(header.qemu)", header.acceleratorText, header.channel,
        ]
      text += facts.map(Self.escaped).joined(separator: " · ") + "\n\n"
    }
    if let reason = summary.stoppedEarly { text += "**Stopped early:** \(Self.escaped(reason))\n\n" }
    if !summary.retried.isEmpty {
      text +=
        "**Passed only when run again:** \(summary.retried.map(Self.escaped).joined(separator: ", "))\n\n"
    }
    for warning in record.warnings.prefix(20) {
      text += "- ⚠️ \(Self.escaped((warning.file.map { "\($0): " } ?? "") + warning.text))\n"
    }
    failures(FailedTest.all(in: record))
  }

  private mutating func failures(_ tests: [FailedTest]) {
    guard !tests.isEmpty else { return }
    text += "\n### Failures\n\n"
    for (number, test) in tests.enumerated() {
      if text.utf8.count > Self.largest {
        text += "\n… and \(tests.count - number) more.\n"
        return
      }
      text += "<details><summary><b>\(MarkupText.html(HarmlessText.line(test.title)))</b></summary>\n\n"
      var lines = test.failure.lines + test.failure.keptLines.map { "kept: \($0)" }
      if test.failure.traceback.count > 1 { lines += ["", "traceback:"] + test.failure.traceback }
      let console = test.failure.console
      let isReport = test.failure.kind == .kernelReport
      if !console.isEmpty {
        lines +=
          isReport ? ["", "kernel report:"] + console.prefix(30) : ["", "console:"] + console.suffix(20)
      }
      // A blank line would end the HTML block, and Markdown would be read again.
      let body = lines.map { $0.isEmpty ? "&#8203;" : MarkupText.html(String($0.prefix(2000))) }
      text += "<pre>\(body.joined(separator: "\n"))</pre>\n\n</details>\n\n"
    }
  }

  /// Escapes markup and Markdown, and puts the text on one line.
  private static func escaped(_ text: String) -> String {
    let special: Set<Character> = ["\\", "`", "*", "_", "[", "]", "|", "#", "~", "@"]
    return HarmlessText.line(text).map { character in
      switch character {
      case "<": "&lt;"
      case ">": "&gt;"
      case "&": "&amp;"
      default: special.contains(character) ? "\\\(character)" : String(character)
      }
    }.joined()
  }
}
