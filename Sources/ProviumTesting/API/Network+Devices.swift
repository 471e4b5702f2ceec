import ProviumRuntime

/// The network devices of a VM.
extension VirtualMachine {
  /// Sets whether the link to a network is up: the guest sees its carrier go and come.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, for a network that the VM is not on.
  public func setLink(to network: Network, isUp: Bool) async throws(ProviumError) {
    let virtual = network.virtual
    try await target.thread.run { try $0.setLink(to: virtual, isUp: isUp) }
  }

  /// Takes the device on a network out of the running guest, and returns when its kernel has released it. Idempotent.
  /// - Throws: ``ProviumError`` where the kernel does not release the device.
  public func unplug(from network: Network) async throws(ProviumError) {
    let virtual = network.virtual
    try await target.thread.run { try $0.unplug(from: virtual) }
  }

  /// Puts the device on a network back into the guest, with its addresses. Idempotent.
  /// - Throws: ``ProviumError`` where the kernel does not find the device.
  public func plug(into network: Network) async throws(ProviumError) {
    let virtual = network.virtual
    try await target.thread.run { try $0.plug(into: virtual) }
  }

  /// Waits for the start of a VM on networks, and tells its guest the names of the VMs on them.
  static func joining(
    _ networks: [Network],
    _ start: @escaping @Sendable (NativeMachine, [InterfaceRequest]) throws -> Void
  ) -> @Sendable (NativeMachine) throws -> Void {
    { machine in
      try start(machine, networks.map { InterfaceRequest(network: $0.virtual) })
      guard !networks.isEmpty else { return }
      let lines = zip(networks, machine.interfaces).flatMap { $0.add($1) }
      try machine.writeHosts(lines)
    }
  }
}
