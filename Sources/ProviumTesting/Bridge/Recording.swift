import ProviumCases
import ProviumEvents
import Testing

/// A Lua failure as an error: swift-testing shows it in one line, `Caught error: …`.
struct ScriptFailure: Error, CustomStringConvertible {
  let description: String
}

extension CataloguedFile {
  /// Lines of a test's own output that a failure shows; all of it is attached.
  private static let shownOutput = 50

  /// Records a failure at its Lua line, with what the test printed, the operations and the console below it.
  func record(_ failure: Failure, prefix: String, output: String, line: Int) {
    var tail: [String] = []
    let printed = output.split(separator: "\n", omittingEmptySubsequences: false)
    if !output.isEmpty {
      let isWhole = printed.count <= Self.shownOutput
      tail += [isWhole ? "output:" : "output (last \(Self.shownOutput) lines):"]
      tail += printed.suffix(Self.shownOutput).filter { !$0.isEmpty }.map { "  \($0)" }
    }
    if failure.traceback.count > 1 { tail += ["traceback:"] + failure.traceback.map { "  \($0)" } }
    if !failure.trace.isEmpty { tail += ["last operations:"] + failure.trace.map { "  \($0)" } }
    if !failure.console.isEmpty {
      tail += ["console (last \(failure.console.count) lines):"] + failure.console.map { "  \($0)" }
    }
    // A failure inside a helper file carries that file's name in its message; the case's own file gets the line.
    let isOwn = failure.location.map { $0.file == file.displayPath } ?? true
    let message = isOwn ? failure.message : failure.summary
    Issue.record(
      ScriptFailure(description: XMLText.clean(prefix + message)),
      tail.isEmpty ? nil : Comment(rawValue: XMLText.clean(tail.joined(separator: "\n"))),
      sourceLocation: location(line: isOwn ? failure.location?.line ?? line : line)
    )
  }

  /// Attaches a log to the running test case; an empty one is left out.
  func attach(_ text: String, _ what: String, of test: String) {
    guard !text.isEmpty else { return }
    // A file system takes 255 bytes, and swift-testing adds some of its own.
    let safe = "\(stem)-\(test)".prefix(100).map {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-"
    }
    Attachment.record(text, named: "\(String(safe))-\(what).log", sourceLocation: location(line: 1))
  }
}
