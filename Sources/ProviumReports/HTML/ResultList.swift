import ProviumSystem
import ProviumEvents
import ProviumSystem

/// The page's list of files and sub-tests, with its search and filters. Pure.
struct ResultList {
  /// The most bytes of one text. The file's log has the rest.
  private static let longest = 64 << 10

  let text: String

  init(of record: RunRecord) {
    let runs = record.finalRuns.enumerated().map { number, run in
      (number, run.title, run.finished(at: record.duration, because: record.ending?.stoppedEarly))
    }
    // Failed files come first.
    let files = (runs.filter { $0.2.hasFailed } + runs.filter { !$0.2.hasFailed }).map {
      number,
      title,
      result in
      Self.file(result, title: title, number: number)
    }
    text = """
      <section id="results" aria-labelledby="results-title">
      <h2 id="results-title">Results</h2>
      <div class="tools" role="search">
      <input id="search" type="search" placeholder="Search names, messages, console, output" aria-label="Search names, messages, console, output" autocomplete="off">
      <div class="chips" role="group" aria-label="Show">
      \(Self.chips(record.summary))
      </div>
      <button id="expand" type="button">Expand all</button> <button id="collapse" type="button">Collapse all</button>
      <span id="shown" role="status" aria-live="polite"></span>
      </div>
      \(files.joined(separator: "\n"))
      <p id="nothing" hidden>Nothing matches.</p>
      </section>
      """
  }

  private static func chips(_ summary: RunSummary) -> String {
    ["failed", "passed", "todo", "skipped"].map { status in
      "<button type=\"button\" class=\"chip \(status)\" data-status=\"\(status)\" aria-pressed=\"true\">"
        + "\(mark(status)) \(status)</button>"
    }.joined(separator: " ")
  }

  /// A sign that does not depend on colours.
  private static func mark(_ status: String) -> String {
    let sign =
      switch status {
      case "passed": "✓"
      case "failed": "✗"
      case "todo": "◌"
      case "skipped": "–"
      default: "·"
      }
    return "<span class=\"mark\" aria-hidden=\"true\">\(sign)</span>"
  }

  private static func file(_ result: FileResult, title: String, number: Int) -> String {
    let status = result.hasFailed ? "failed" : result.isHelper ? "helper" : result.outcome.name
    let tests = TestTree.ordered(result.subTests)
    let failures = tests.count { $0.result.outcome.isFailure }
    var note = result.isHelper ? "helper, no tests" : tests.isEmpty ? "" : Amount.count(tests.count, "test")
    if failures > 0 { note += ", \(failures) failed" }
    if result.attempt > 0 { note += ", attempt \(result.attempt + 1)" }
    return """
      <details class="file \(status)" id="f\(number)" data-status="\(status)"\(result.hasFailed ? " open" : "")>
      <summary>\(mark(status))<bdi class="name">\(MarkupText.html(title))</bdi><span class="note">\(note)</span>\
      <span class="word">\(status)</span><span class="time">\(Amount.text(seconds: result.duration))</span></summary>
      \(body(of: result, tests: tests))</details>
      """
  }

  private static func body(of result: FileResult, tests: [TestTree.TitledResult]) -> String {
    var text = ""
    switch result.outcome {
    case .failed(let failure):
      text += "<div class=\"own\" data-failure tabindex=\"-1\">\(failureText(failure))</div>\n"
    case .todo(let reason), .skipped(let reason):
      text += "<p class=\"reason\">\(MarkupText.html(reason))</p>\n"
    case .passed: break
    }
    if !tests.isEmpty { text += "<ul class=\"tests\">\n" + tests.map(test).joined() + "</ul>\n" }
    text += folded("output outside tests", [result.output])
    if let log = result.logPath { text += "<p class=\"log\">log: <code>\(MarkupText.html(log))</code></p>\n" }
    return text
  }

  private static func test(_ titled: TestTree.TitledResult) -> String {
    let test = titled.result
    let status = test.outcome.name
    let depth = test.path.count > 1 ? " style=\"--depth:\(min(test.path.count - 1, 8))\"" : ""
    var text = "<li class=\"test \(status)\" data-status=\"\(status)\"\(depth)"
    text += test.outcome.isFailure ? " data-failure tabindex=\"-1\">" : ">"
    text +=
      "<div class=\"row\">\(mark(status))<bdi class=\"name\">\(MarkupText.html(HarmlessText.line(titled.title)))</bdi>"
    text += test.tags.map { "<span class=\"tag\">\(MarkupText.html($0))</span>" }.joined()
    for (key, value) in test.properties.sorted(by: { $0.key < $1.key }) {
      text += "<span class=\"tag\">\(MarkupText.html(HarmlessText.line("\(key): \(value)")))</span>"
    }
    switch test.outcome {
    case .todo(let reason), .skipped(let reason):
      text +=
        "<span class=\"reason\">\(reason.isEmpty ? status : "\(status): " + MarkupText.html(reason))</span>"
    case .passed, .failed: break
    }
    text +=
      "<span class=\"time\">\(test.duration > 0 ? Amount.text(seconds: test.duration) : "")</span></div>"
    if case .failed(let failure) = test.outcome { text += failureText(failure) }
    return text + folded("output", [test.output]) + "</li>\n"
  }

  private static func failureText(_ failure: Failure) -> String {
    let place = failure.location.map { "<code>\(MarkupText.html("\($0)"))</code> " } ?? ""
    return "<p class=\"where\"><span class=\"kind\">\(failure.kind.title)</span> \(place)</p>"
      + "<pre class=\"message\">\(MarkupText.html(bounded(failure.message)))</pre>\n"
      + (failure.kept ?? []).map {
        "<p class=\"kept\">kept: \(MarkupText.html($0.machine)) <code>provium open \(MarkupText.html($0.id))</code></p>\n"
      }.joined()
      + (failure.traceback.count > 1 ? folded("traceback", failure.traceback) : "")
      + folded("last operations", failure.trace, isOpen: !failure.trace.isEmpty)
      + folded(
        "console",
        failure.console,
        isOpen: failure.kind == .infrastructure || failure.kind == .kernelReport
      )
      + (failure.facts ?? []).map { folded(MarkupText.html($0.title), $0.lines) }.joined()
  }

  private static func folded(_ title: String, _ content: [String], isOpen: Bool = false) -> String {
    let lines = content.flatMap { HarmlessText.lines(bounded($0)) }
    guard !lines.isEmpty else { return "" }
    return
      "<details class=\"more\"\(isOpen ? " open" : "")><summary>\(title) (\(Amount.count(lines.count, "line")))</summary>"
      + "<pre tabindex=\"0\">\(MarkupText.html(lines.joined(separator: "\n")))</pre></details>\n"
  }

  private static func bounded(_ text: String) -> String {
    guard text.utf8.count > longest else { return text }
    let kept = String(decoding: text.utf8.prefix(longest), as: UTF8.self)
    return kept + "\n… \(text.utf8.count - longest) bytes more: see the log"
  }
}
