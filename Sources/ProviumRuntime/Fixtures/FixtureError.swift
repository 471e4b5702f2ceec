package import ProviumEvents

/// Why there is no machine from a fixture.
package enum FixtureError: Error, Sendable, CustomStringConvertible {
  case unknown(name: String, looked: [String], hint: String)
  case circular(chain: [String])
  case noMachine(name: String)
  case machineNotRunning(name: String, state: String)
  /// `kind`: `.error` where its script is to blame, `.splat` where the guest's kernel is, `.harness` where another try may do.
  case buildFailed(name: String, reason: String, kind: FailureKind)
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
    case .store(let path, let reason):
      "fixtures cannot be kept in \(path): \(reason)"
    case .interrupted: "interrupted while another process was building the fixture"
    }
  }
}

/// A fixture's script failed.
struct BrokenScript: Error, CustomStringConvertible {
  let description: String
  let kind: FailureKind

  /// - Parameter kind: of the script's own failure.
  init(description: String, failed kind: FailureKind) {
    self.description = description
    switch kind {
    case .splat: self.kind = .splat
    case .harness, .timeout: self.kind = .harness
    // It is wrong itself, and will fail again.
    case .assertion, .error, .inner: self.kind = .error
    }
  }
}
