import ProviumAgentClient
import ProviumArchitecture
import ProviumBoot
package import ProviumEvents
import ProviumVM

/// The three families of failures, which never mix.
package enum FailureFamily: Sendable, Hashable {
  /// The code under test is wrong.
  case test
  /// The command line, the configuration or the test's own code is wrong.
  case user
  /// Provium, QEMU, the host or the guest's agent failed: the code under test was not judged.
  case infrastructure
}

extension FailureKind {
  /// The kind of failure that an error is. The only mapping from errors to kinds.
  package init(_ error: any Error) { self = ProviumError.Code(error).failureKind }

  /// The family that the kind belongs to.
  package var family: FailureFamily {
    switch self {
    case .assertion, .kernelReport, .timeout, .inner: .test
    case .error: .user
    case .infrastructure: .infrastructure
    }
  }
}

extension ProviumError.Code {
  /// The code of any error. Errors of lower layers are assigned here; those of the engine know their code.
  package init(_ error: any Error) {
    self =
      switch error {
      case let error as any CodedError: error.code
      case is InvalidArgument, is InvalidConfiguration: .invalidUse
      case is ConfigurationError, is UnknownArchitecture: .configuration
      case let error as GuestError: Self.code(of: error)
      case let error as MachineDeath: Self.code(of: error)
      case is BootFailure: .startFailed
      case let error as ImageError: Self.code(of: error)
      case is QEMUBinary.Failure: .unavailable
      default: .infrastructure
      }
  }

  private static func code(of error: GuestError) -> Self {
    switch error {
    case .refused, .tooLarge: .refused
    case .inUse: .invalidUse
    case .timedOut: .timeout
    case .unresponsive, .lost, .violation, .incompatible: .machineLost
    }
  }

  /// The files that a configuration names are wrong. The kernel of the default profile and
  /// those of a distribution come from the host or the network.
  private static func code(of error: ImageError) -> Self {
    switch error {
    case .noKernel, .unknownKernel, .noPackages: .unavailable
    case .noModuleDirectory, .driverMissing, .noShares, .moduleDisabled, .staleModuleList, .wrongModules,
      .notAKernel, .badTree, .badInitrd, .badDisk, .missingFile, .longCommandLine:
      .configuration
    }
  }

  /// A panic is something that the test found. Any other death is a failure of what carries the test.
  private static func code(of death: MachineDeath) -> Self {
    switch death {
    case .panicked: .kernelReport
    case .ended, .refused, .agentLost, .exited: .machineLost
    }
  }

  package var failureKind: FailureKind {
    switch self {
    case .invalidUse, .configuration, .script, .refused: .error
    case .assertion: .assertion
    case .kernelReport: .kernelReport
    case .timeout: .timeout
    case .startFailed, .machineLost, .resources, .storage, .interrupted, .unavailable, .infrastructure:
      .infrastructure
    }
  }
}
