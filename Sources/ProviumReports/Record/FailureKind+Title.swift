package import ProviumEvents

extension FailureKind {
  /// `kernel report`, `timeout`: what a person calls it.
  package var title: String {
    switch self {
    case .assertion: "assertion"
    case .error: "script error"
    case .infrastructure: "harness"
    case .timeout: "timeout"
    case .kernelReport: "kernel report"
    case .inner: "inner test"
    }
  }
}
