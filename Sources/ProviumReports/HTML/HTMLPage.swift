import ProviumEvents

/// A run as one page that needs no network and no other file. Without scripts it still shows everything.
/// Pure. Every text of a test, a guest or a kernel passes through `MarkupText.html`.
package struct HTMLPage: Sendable {
  /// The whole document.
  package let text: String

  /// Makes the page of the run so far. Files that still run count as failed.
  package init(of record: RunRecord) {
    let summary = record.summary
    let status = PageStatus(summary)
    let timeline = TimelineChart(of: record)
    text = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="generator" content="provium \(MarkupText.html(record.header?.version ?? ""))">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
      <title>\(status.word): \(summary.passed) passed, \(summary.failed) failed · provium</title>
      <style>\(PageStyle.text)</style>
      </head>
      <body>
      <a class="skip" href="#results">Skip to the results</a>
      <header>
      \(Self.banner(record, summary, status))
      </header>
      <main>
      \(Self.notices(record, summary))
      \(MatrixSection(of: record).text)\(timeline.text)
      \(ResultList(of: record).text)
      </main>
      <footer>provium \(MarkupText.html(record.header?.version ?? "")) · keys: <kbd>/</kbd> search, <kbd>n</kbd> <kbd>p</kbd> \
      next and previous failure, <kbd>Esc</kbd> clear</footer>
      <script>\(PageScript.text)</script>
      </body>
      </html>

      """
  }

  private static func banner(_ record: RunRecord, _ summary: RunSummary, _ status: PageStatus) -> String {
    var tiles = [
      tile("\(summary.passed)", "files passed", "passed"),
      tile("\(summary.failed)", "files failed", "failed"),
      tile("\(summary.testsPassed)", "tests passed", "passed"),
      tile("\(summary.testsFailed)", "tests failed", "failed"),
      tile("\(summary.testsTodo)", "todo", "todo"),
      tile("\(summary.skipped + summary.testsSkipped)", "skipped", "skipped"),
    ]
    tiles.append(tile(Amount.text(seconds: summary.duration), "duration", ""))
    return """
      <div class="top"><h1><span class="badge \(status.style)">\(status.word)</span> \(MarkupText.html(status.sentence))</h1>
      <button id="theme" type="button" aria-label="Switch between light and dark" title="light or dark">◐</button></div>
      <ul class="tiles">\(tiles.joined())</ul>
      <dl class="facts">\(facts(record).map { "<div><dt>\($0.0)</dt><dd>\(MarkupText.html($0.1))</dd></div>" }.joined())</dl>
      """
  }

  private static func tile(_ number: String, _ label: String, _ style: String) -> String {
    "<li class=\"tile \(number == "0" ? "none" : style)\"><b>\(number)</b> <span>\(label)</span></li>"
  }

  private static func facts(_ record: RunRecord) -> [(String, String)] {
    guard let header = record.header else { return [] }
    var facts = [
      ("Started", Amount.timestamp(header.startedAt).map { $0 == "T" ? " " : String($0) }.joined() + " UTC")
    ]
    if !record.kernels.isEmpty { facts.append(("Kernel", record.kernels.joined(separator: ", "))) }
    facts += [
      ("QEMU", header.qemu), ("Accelerator", header.acceleratorText), ("Channel", header.channel),
    ]
    facts.append(("Files at once", "\(header.parallel)"))
    if header.timeScale != 1 {
      facts.append(("Time limits", "× \(Amount.decimal(header.timeScale, digits: 1))"))
    }
    if let pool = header.pool { facts.append(("Pool", pool)) }
    if let seed = header.seed { facts.append(("Shuffled with seed", "\(seed)")) }
    if !header.runDirectory.isEmpty { facts.append(("Run directory", header.runDirectory)) }
    return facts.filter { !$0.1.isEmpty }
  }

  private static func notices(_ record: RunRecord, _ summary: RunSummary) -> String {
    var notices: [String] = []
    if let reason = summary.stoppedEarly {
      let missing =
        record.missing.isEmpty ? "" : " \(Amount.count(record.missing.count, "file")) did not run."
      notices.append("<b>Stopped early:</b> \(MarkupText.html(reason)).\(missing)")
    }
    if !summary.retried.isEmpty {
      notices.append(
        "<b>Passed only when run again:</b> \(MarkupText.html(summary.retried.joined(separator: ", ")))"
      )
    }
    notices += record.warnings.map { warning in
      "<b>Warning:</b> \(warning.file.map { "<bdi>\(MarkupText.html($0))</bdi>: " } ?? "")\(MarkupText.html(warning.text))"
    }
    guard !notices.isEmpty else { return "" }
    return "<section class=\"notices\" aria-label=\"Notices\"><ul>"
      + notices.map { "<li>\($0)</li>" }.joined(separator: "\n") + "</ul></section>"
  }
}

/// The end of the run, in a word and a sentence.
private struct PageStatus {
  let word: String
  let style: String
  let sentence: String

  init(_ summary: RunSummary) {
    if summary.failed > 0 {
      (word, style) = ("FAIL", "failed")
      sentence = "\(Amount.count(summary.failed, "file")) failed, \(summary.passed) passed"
    } else if summary.stoppedEarly != nil {
      (word, style) = ("STOPPED", "todo")
      sentence = "\(Amount.count(summary.passed, "file")) passed before the run was stopped"
    } else {
      (word, style) = ("OK", "passed")
      sentence = "\(Amount.count(summary.passed, "file")) passed"
    }
  }
}
