import ProviumRunner
import Testing

/// A failure in a test file, as an error: swift-testing shows it in one line, `Caught error: …`.
struct ScriptFailure: Error, CustomStringConvertible {
  let description: String
}

extension NativeFile {
  /// Records a failure at its line of the test file, and attaches its logs to the running test case.
  func record(_ failure: CaseReader.CaseFailure) {
    Issue.record(
      ScriptFailure(description: failure.message),
      failure.details.map { Comment(rawValue: $0) },
      sourceLocation: location(line: failure.line)
    )
    for log in failure.logs { attach(log) }
  }

  private func attach(_ log: CaseReader.Log) {
    // A file name has at most 255 bytes, and swift-testing adds some of its own.
    let safe = "\(stem)-\(log.test)".prefix(100).map {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-"
    }
    Attachment.record(log.text, named: "\(String(safe))-\(log.kind).log", sourceLocation: location(line: 1))
  }
}
