package import ProviumEvents
import ProviumSystem

/// Why a fixture gives no VM.
package enum FixtureError: Error, Sendable, CustomStringConvertible {
  case unknown(name: String, looked: [String], hint: String)
  /// Two of the shared folders have a fixture of that name.
  case ambiguous(name: String, sources: [String])
  /// A shared folder does not exist. `configuration`: the provium.toml that names it.
  case noFolder(path: String, configuration: String?)
  case circular(chain: [String])
  case noMachine(name: String)
  case machineNotRunning(name: String, state: String)
  /// `kind`: `.error` if its script is wrong, `.kernelReport` for a kernel report, `.infrastructure` if another attempt may succeed.
  case buildFailed(name: String, reason: String, kind: FailureKind)
  case unusable(name: String, reason: String)
  case store(path: String, reason: String)
  case interrupted

  package var description: String {
    switch self {
    case .unknown(let name, let looked, let hint):
      "there is no fixture '\(name)'\(hint); looked for \(looked.joined(separator: ", "))"
    case .ambiguous(let name, let sources):
      "the fixture '\(name)' is ambiguous: it is \(sources.joined(separator: " and ")); rename one of them, or remove one "
        + "of their folders from 'fixtures' in provium.toml"
    case .noFolder(let path, let configuration):
      "\(configuration.map { "\(Files.display($0)): " } ?? "")'fixtures' names the folder \(Files.display(path)), which does "
        + "not exist"
    case .circular(let chain):
      "fixtures start from each other in a cycle: \(chain.joined(separator: " → "))"
    case .noMachine(let name):
      "fixture '\(name)': its script created no machine (the last one that it creates is kept)"
    case .machineNotRunning(let name, let state):
      "fixture '\(name)': its machine is \(state) at the end of the script; leave it booted"
    case .buildFailed(let name, let reason, _):
      "fixture '\(name)' could not be built: \(reason)"
    case .unusable(let name, let reason):
      "fixture '\(name)' was built again in this run, and still cannot be resumed: \(reason)"
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

  /// `.error` if the fixture's script or its name is wrong, `.kernelReport` for a kernel report, else `.infrastructure`.
  var kind: FailureKind {
    switch self {
    case .unknown, .ambiguous, .noFolder, .circular, .noMachine, .machineNotRunning: .error
    case .buildFailed(_, _, let kind): kind
    case .unusable, .store, .interrupted: .infrastructure
    }
  }
}

/// The failure of a fixture's script.
struct FixtureScriptFailure: Error, CustomStringConvertible {
  /// The script's failure and the last lines of the console.
  let description: String
  let kind: FailureKind

  /// - Parameter kind: the kind of the script's failure.
  init(description: String, failed kind: FailureKind) {
    self.description = description
    switch kind {
    case .kernelReport: self.kind = .kernelReport
    case .infrastructure, .timeout: self.kind = .infrastructure
    // The script is wrong and fails again.
    case .assertion, .error, .inner: self.kind = .error
    }
  }
}
