package import ProviumEvents

/// Why there is no machine from a fixture.
package enum FixtureError: Error, Sendable, CustomStringConvertible {
  case unknown(name: String, looked: [String], hint: String)
  case circular(chain: [String])
  case noMachine(name: String)
  case machineNotRunning(name: String, state: String)
  /// `kind`: `.error` where its script is to blame, `.kernelReport` where the guest's kernel is, `.infrastructure` where another try may do.
  case buildFailed(name: String, reason: String, kind: FailureKind)
  case unusable(name: String, reason: String)
  case store(path: String, reason: String)
  case interrupted

  package var description: String {
    switch self {
    case .unknown(let name, let looked, let hint):
      "there is no fixture '\(name)'\(hint); looked for \(looked.joined(separator: ", "))"
    case .circular(let chain):
      "fixtures start from each other in a circle: \(chain.joined(separator: " → "))"
    case .noMachine(let name):
      "fixture '\(name)': its script created no machine (the last one it creates is the one that is kept)"
    case .machineNotRunning(let name, let state):
      "fixture '\(name)': its machine is \(state) at the end of the script; leave it booted"
    case .buildFailed(let name, let reason, _):
      "fixture '\(name)' could not be built: \(reason)"
    case .unusable(let name, let reason):
      "fixture '\(name)' was built again in this run, and still no machine comes of it: \(reason)"
    case .store(let path, let reason):
      "fixtures cannot be kept in \(path): \(reason)"
    case .interrupted: "interrupted while another process was building the fixture"
    }
  }

  static func buildFailed(_ name: String, because error: any Error) -> FixtureError {
    let kind =
      switch error {
      case let error as FixtureScriptFailure: error.kind
      case let error as FixtureError: error.kind
      case let error as HarnessFault: error.kind == .kernelReport ? FailureKind.kernelReport : .infrastructure
      default: FailureKind.infrastructure
      }
    return .buildFailed(name: name, reason: "\(error)", kind: kind)
  }

  /// `.error` where the fixture's script or its name is to blame, `.kernelReport` where the guest's kernel is, else `.infrastructure`.
  var kind: FailureKind {
    switch self {
    case .unknown, .circular, .noMachine, .machineNotRunning: .error
    case .buildFailed(_, _, let kind): kind
    case .unusable, .store, .interrupted: .infrastructure
    }
  }
}

/// A fixture's script did not come to its end.
struct FixtureScriptFailure: Error, CustomStringConvertible {
  /// What failed, and the console's end.
  let description: String
  let kind: FailureKind

  /// - Parameter kind: of the script's own failure.
  init(description: String, failed kind: FailureKind) {
    self.description = description
    switch kind {
    case .kernelReport: self.kind = .kernelReport
    case .infrastructure, .timeout: self.kind = .infrastructure
    // It is wrong itself, and will fail again.
    case .assertion, .error, .inner: self.kind = .error
    }
  }
}
