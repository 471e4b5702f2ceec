import ProviumEvents

/// Networks that are created, and their ways to the host.
extension MachineContext {
  /// Creates a network.
  /// - Throws: `ProviumError` for settings that no network can have, and where the host cannot be reached.
  package func createNetwork(_ plan: NetworkPlan) throws -> VirtualNetwork {
    guard plan.reachesHost else { return try networks.add(plan) }
    guard workFolder == nil else {
      throw ProviumError(
        .invalidUse,
        "a fixture's script cannot reach the host: what it gets from there is no input of the fixture"
      )
    }
    try plan.checkHost()
    let before = networks.count
    let network = try networks.add(plan)
    do {
      try network.connectHost(services)
    } catch {
      networks.end(after: before)
      throw error
    }
    events.send(.warning(file: name, text: network.hostWarning))
    return network
  }

  /// Forwards connections to a TCP port of this computer's loopback interface to a VM.
  /// - Parameters:
  ///   - port: nil: a free one.
  /// - Returns: the port of this computer.
  package func forward(
    _ network: VirtualNetwork,
    port: UInt16?,
    to interface: NetworkInterface,
    _ guestPort: UInt16
  ) throws -> UInt16 {
    let chosen = try network.forward(port: port, to: interface.addresses, guestPort)
    events.send(
      .warning(file: name, text: network.forwardWarning(port: chosen, to: interface.addresses, guestPort))
    )
    return chosen
  }
}
