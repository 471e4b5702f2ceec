import Glibc
import ProviumAgentClient
import ProviumSystem
import ProviumVM

/// Network devices that come and go while the VM runs.
extension Machine {
  /// The longest time that the guest's kernel may take to release or find a device.
  private static let plugLimit = Duration.seconds(10)

  /// Sets whether the link of an interface is up: the guest sees its carrier go and come.
  package func setLink(of interface: NetworkInterface, isUp: Bool) throws {
    let index = try number(of: interface)
    guard interface.isPlugged else {
      throw ProviumError(.invalidUse, "the network device is unplugged: plug it first")
    }
    let machine = try usable()
    try guarded("link \(isUp ? "up" : "down")", on: machine, allowance: .zero) {
      try machine.process.setLink(of: index, isUp: isUp, until: $0)
    }
    interface.isUp = isUp
  }

  /// Takes a network device out of the VM, and blocks until the guest has released it. Idempotent.
  package func unplug(_ interface: NetworkInterface) throws {
    let index = try number(of: interface)
    guard interface.isPlugged else { return }
    let machine = try usable()
    try guarded("unplug", on: machine, allowance: .zero) { deadline in
      let limit = Deadline.earliest(.after(Self.plugLimit * timeoutMultiplier), deadline)
      do { try machine.process.unplug(index, until: limit) } catch QMPError.timedOut {
        throw ProviumError(
          .refused,
          "\(label): the guest did not release the network device \(interface.guestName) in time: "
            + "its kernel needs CONFIG_HOTPLUG_PCI_ACPI or CONFIG_HOTPLUG_PCI_PCIE"
        )
      }
    }
    interface.network.network.disconnect(interface.port)
    interface.isPlugged = false
  }

  /// Puts a device that was unplugged into the VM again, and blocks until it has its addresses. Idempotent.
  package func plug(_ interface: NetworkInterface) throws {
    let index = try number(of: interface)
    guard !interface.isPlugged else { return }
    let machine = try usable()
    try guarded("plug", on: machine, allowance: .zero) { deadline in
      try machine.process.plug(index, until: deadline)
      interface.isPlugged = true
      interface.isUp = true
      let limit = Deadline.earliest(.after(Self.plugLimit * timeoutMultiplier), deadline)
      // The kernel finds the device a few milliseconds later, and the agent reports no new devices: the request is repeated.
      while true {
        do {
          return try operations.unrecorded { try join(interface, index, of: machine, until: deadline) }
        } catch let error as GuestError {
          guard case .refused(.ENODEV, _) = error, !limit.isExpired else { throw error }
          usleep(2000)
        }
      }
    }
  }

  private func number(of interface: NetworkInterface) throws -> Int {
    guard let index = interfaces.firstIndex(where: { $0 === interface }) else {
      throw ProviumError(.invalidUse, "the network device is not the machine's any more")
    }
    return index
  }
}
