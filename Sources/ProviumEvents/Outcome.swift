import ProviumJSON

/// The result of a sub-test, or of a test file outside its sub-tests.
package enum Outcome: Sendable, Hashable {
  case passed
  case failed(Failure)
  /// The test says itself that it is not implemented yet: neither a pass nor a failure.
  case todo(reason: String)
  case skipped(reason: String)

  package var isFailure: Bool { failure != nil }
  /// The failure of a failed test; nil for any other outcome.
  package var failure: Failure? {
    if case .failed(let failure) = self { failure } else { nil }
  }
  /// `passed`, `failed`, `todo`, `skipped`.
  package var name: String {
    switch self {
    case .passed: "passed"
    case .failed: "failed"
    case .todo: "todo"
    case .skipped: "skipped"
    }
  }
}

/// The members `outcome`, and `failure` or `reason`, of the object that has the outcome.
extension Outcome: JSONFlattened {
  private enum CodingKeys: CodingKey { case outcome, failure, reason }

  package init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: CodingKeys.self)
    func reason() throws -> String { try members.decode(String.self, forKey: .reason) }
    switch try members.decode(String.self, forKey: .outcome) {
    case "passed": self = .passed
    case "failed": self = .failed(try members.decode(Failure.self, forKey: .failure))
    case "todo": self = .todo(reason: try reason())
    case "skipped": self = .skipped(reason: try reason())
    case let other: throw JSONMismatch("has the unknown outcome \"\(other)\"")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(name, forKey: .outcome)
    switch self {
    case .passed: break
    case .failed(let failure): try members.encode(failure, forKey: .failure)
    case .todo(let reason), .skipped(let reason): try members.encode(reason, forKey: .reason)
    }
  }
}
