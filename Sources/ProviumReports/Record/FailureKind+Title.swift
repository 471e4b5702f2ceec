package import ProviumEvents

extension FailureKind {
  /// `kernel report`, `timeout`: what a person calls it.
  package var title: String {
    switch self {
    case .assertion: "assertion"
    case .error: "script error"
    case .harness: "harness"
    case .timeout: "timeout"
    case .splat: "kernel report"
    case .inner: "inner test"
    }
  }
}
