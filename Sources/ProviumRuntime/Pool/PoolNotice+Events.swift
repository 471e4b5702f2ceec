import ProviumEvents

extension PoolNotice {
  /// Makes events of the notices for a request.
  /// - Parameter file: the scope's name; empty for warm VMs.
  static func teller(to events: EventStream, file: String, _ request: PoolRequest)
    -> @Sendable (PoolNotice) -> Void
  {
    // A turn holds no resources, and has no events.
    if request == .turn { return { _ in } }
    return { notice in
      switch notice {
      case .waiting: events.send(.poolWaiting(file: file, memory: request.memory, cpus: request.cpus))
      case .granted(let claim, let waited):
        events.send(
          .poolGranted(file: file, claim: claim, memory: request.memory, cpus: request.cpus, waited: waited)
        )
      case .grown(let claim, let memory): events.send(.poolGrown(file: file, claim: claim, memory: memory))
      case .released(let claim): events.send(.poolReleased(file: file, claim: claim))
      }
    }
  }
}
