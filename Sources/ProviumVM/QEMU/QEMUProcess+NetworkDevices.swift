import Glibc
import ProviumJSON
package import ProviumSystem
import Synchronization

/// Network devices of a VM that runs.
extension QEMUProcess {
  /// Sets whether the link of a network device is up. The guest sees its carrier go and come.
  package func setLink(of number: Int, isUp: Bool, until deadline: Deadline) throws {
    try qmp.command(
      "set_link",
      ["name": .string(NetworkDevice.name(number)), "up": .bool(isUp)],
      until: deadline
    )
  }

  /// Takes a network device out of the VM, and blocks until the guest has released it.
  /// - Throws: `QMPError`, also where the guest does not release it in time.
  package func unplug(_ number: Int, until deadline: Deadline) throws {
    let name = NetworkDevice.name(number)
    try qmp.command("device_del", ["id": .string(name)], until: deadline)
    let released = try qmp.event(until: deadline) {
      $0.name == "DEVICE_DELETED" && $0.data["device"]?.string == name
    }
    guard released != nil else { throw QMPError.timedOut(command: "device_del") }
    try qmp.command("netdev_del", ["id": .string(NetworkDevice.connection(number))], until: deadline)
    unplugged.withLock { _ = $0.insert(number) }
    _ = takeFrameSocket(of: number)
    setFrameEnd(nil, of: number)
  }

  /// Puts a network device that was unplugged into the VM again. Its connection is taken by `takeFrameSocket`.
  package func plug(_ number: Int, until deadline: Deadline) throws {
    let device = configuration.networkDevices[number]
    let name = NetworkDevice.name(number)
    let pair = try Descriptor.packetPair()
    try qmp.command("getfd", ["fdname": .string(name)], passing: pair.theirs.raw, until: deadline)
    try qmp.command(
      "netdev_add",
      [
        "type": .string("dgram"), "id": .string(NetworkDevice.connection(number)),
        "local": .object(["type": .string("fd"), "str": .string(name)]),
      ],
      until: deadline
    )
    do { try qmp.command("device_add", members: device.hotPlugArguments(number), until: deadline) } catch {
      _ = try? qmp.command(
        "netdev_del",
        ["id": .string(NetworkDevice.connection(number))],
        until: deadline
      )
      throw error
    }
    if wiring.keepsFrameEnds {
      let copy = fcntl(pair.theirs.raw, F_DUPFD_CLOEXEC, 0)
      guard copy >= 0 else { throw SystemError("duplicate QEMU's end of the connection", name) }
      setFrameEnd(Descriptor(owning: copy), of: number)
    }
    addFrameSocket(pair.takeOurs(), of: number)
    unplugged.withLock { _ = $0.remove(number) }
  }

  /// Whether the VM has the device now.
  package func isPlugged(_ number: Int) -> Bool { unplugged.withLock { !$0.contains(number) } }
}
