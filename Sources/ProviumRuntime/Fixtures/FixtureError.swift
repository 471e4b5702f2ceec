package import ProviumEvents
import ProviumSystem

/// Why a fixture gives no VM.
package enum FixtureError: CodedError, Sendable, CustomStringConvertible {
  case unknown(name: String, looked: [String], hint: String)
  /// Two of the shared folders have a fixture of that name.
  case ambiguous(name: String, sources: [String])
  /// A shared folder does not exist. `configuration`: the provium.toml that names it.
  case noFolder(path: String, configuration: String?)
  case circular(chain: [String])
  case noMachine(name: String)
  case machineNotRunning(name: String, state: String)
  /// `code`: as `ProviumError.Code.ofBuild` gives it.
  case buildFailed(name: String, reason: String, code: ProviumError.Code)
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
    .buildFailed(name: name, reason: "\(error)", code: ProviumError.Code(error).ofBuild)
  }

  package var code: ProviumError.Code {
    switch self {
    case .unknown, .ambiguous, .circular, .noMachine, .machineNotRunning: .invalidUse
    case .noFolder: .configuration
    case .buildFailed(_, _, let code): code
    case .unusable: .infrastructure
    case .store: .storage
    case .interrupted: .interrupted
    }
  }
}

extension ProviumError.Code {
  /// The code of a fixture whose build failed by an error of this code. Another attempt helps only after a failure of the
  /// infrastructure; for a build, time limits belong to these.
  var ofBuild: ProviumError.Code {
    switch failureKind {
    case .kernelReport: .kernelReport
    case .infrastructure, .timeout: .infrastructure
    case .assertion, .error, .inner: .configuration
    }
  }
}

/// The failure of a fixture's script.
package struct FixtureScriptFailure: CodedError, CustomStringConvertible {
  /// The script's failure and the last lines of the console.
  package let description: String
  package let code: ProviumError.Code

  /// - Parameter kind: the kind of the script's failure.
  package init(description: String, failed kind: FailureKind) {
    self.description = description
    code =
      switch kind {
      case .kernelReport: .kernelReport
      case .infrastructure, .timeout: .infrastructure
      // The script is wrong and fails again.
      case .assertion, .error, .inner: .configuration
      }
  }
}
