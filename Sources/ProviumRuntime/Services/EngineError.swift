/// The host lacks what the options ask for.
package enum EngineError: CodedError, Sendable, CustomStringConvertible {
  case noKVM(reason: String)
  case noVsock(reason: String)
  case contradiction
  case cache(path: String, reason: String)

  package var code: ProviumError.Code {
    switch self {
    case .noKVM, .noVsock: .unavailable
    case .contradiction: .configuration
    case .cache: .storage
    }
  }

  package var description: String {
    switch self {
    case .noKVM(let reason):
      "KVM is required, but \(reason); run without --require-kvm and --accel kvm to emulate"
    case .noVsock(let reason): "vsock is asked for, but \(reason); leave --channel out to use virtio-serial"
    case .contradiction: "--require-kvm and --accel tcg contradict each other"
    case .cache(let path, let reason):
      "the cache \(path) cannot be used: \(reason) (set cache = \"…\" under [provium])"
    }
  }
}
