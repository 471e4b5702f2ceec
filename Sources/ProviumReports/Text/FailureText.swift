import ProviumEvents
import ProviumSystem

extension FailureKind {
  /// The kind in the words of a message: `kernel report`.
  var title: String {
    switch self {
    case .assertion: "assertion"
    case .error: "script error"
    case .infrastructure: "infrastructure error"
    case .timeout: "timeout"
    case .kernelReport: "kernel report"
    case .inner: "inner test"
    }
  }
}

extension Failure {
  /// The lines of the failure's summary for people, at least one. The first line begins with the kind where
  /// the script itself did not fail.
  var lines: [String] {
    var lines = HarmlessText.lines(summary)
    if lines.isEmpty { lines = ["failed without a message"] }
    switch kind {
    case .assertion, .error, .inner: break
    case .infrastructure, .timeout, .kernelReport: lines[0] = "(\(kind.title)) \(lines[0])"
    }
    return lines
  }
}
