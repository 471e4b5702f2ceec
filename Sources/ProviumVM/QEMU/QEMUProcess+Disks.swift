import Glibc
package import ProviumBlock
import ProviumJSON
package import ProviumSystem

extension MachineConfiguration {
  /// Takes the present sizes of disks that this process provides, by id.
  package mutating func takeSizes(of disks: [String: BlockDisk]) {
    devices = devices.map { device in
      guard var served = device as? ServedDisk, let disk = disks[served.id] else { return device }
      served.size = UInt64(disk.size)
      return served
    }
  }
}

/// Changes of the disks that this process provides, in a VM that runs.
extension QEMUProcess {
  /// A change that a disk or its device does not take.
  package struct DiskRefusal: Error, CustomStringConvertible {
    package let description: String
  }

  /// The disks that were detached from the guest, sorted.
  package var detachedDisks: [String] {
    let attached = diskServers.withLock { Set($0.keys) }
    return disks.keys.filter { !attached.contains($0) }.sorted()
  }

  /// The USB disks that were attached again, sorted: QEMU cannot load their state.
  package var repluggedDisks: [String] { replugged.withLock { $0.sorted() } }

  private func device(_ id: String, isAttached: Bool) throws -> (ServedDisk, BlockDisk) {
    guard let device = configuration.servedDisks.first(where: { $0.id == id }), let disk = disks[id] else {
      throw DiskRefusal(description: "there is no disk '\(id)'")
    }
    if detachedDisks.contains(id) == isAttached {
      throw DiskRefusal(description: "the disk '\(id)' is \(isAttached ? "detached" : "attached") already")
    }
    return (device, disk)
  }

  /// Connects QEMU to a disk by a new socket, as a block node that no device has yet.
  private func addNode(_ node: String, _ disk: BlockDisk, until deadline: Deadline) throws -> NBDServer {
    let pair = try Descriptor.socketPair(buffer: NBDServer.socketBuffer)
    try qmp.command("getfd", ["fdname": .string(node)], passing: pair.theirs.raw, until: deadline)
    let server = try NBDServer(disk, on: pair.takeOurs())
    try qmp.command("blockdev-add", ServedDisk.blockNode(node, socket: node), until: deadline)
    return server
  }

  private func removeNode(_ node: String, until deadline: Deadline) throws {
    while true {
      do {
        try qmp.command("blockdev-del", ["node-name": .string(node)], until: deadline)
        return
      } catch QMPError.refused(let command, let reason) {
        // A device that is gone gives its node back a little later, and QEMU sends no event for that: the command is repeated.
        guard reason.contains("is in use"), !deadline.isExpired else {
          throw QMPError.refused(command: command, reason: reason)
        }
        usleep(2000)
      }
    }
  }

  // MARK: Size

  /// Gives a disk another size. The guest's driver is told.
  /// - Parameter size: bytes.
  package func resizeDisk(_ id: String, to size: UInt64, until deadline: Deadline) throws {
    let (device, disk) = try device(id, isAttached: true)
    guard device.canBeResized else {
      throw DiskRefusal(
        description:
          "a disk of the model \(device.model.rawValue) cannot get another size: use virtio-blk or virtio-scsi"
      )
    }
    var resized = device
    resized.size = size
    if let problem = resized.problem {
      throw DiskRefusal(description: InvalidConfiguration(.servedDisk(id), problem).description)
    }
    let old = try currentNode(of: device, until: deadline)
    try disk.resize(to: Int(size))
    // QEMU asks a server for the size once. A new node has the new size; the device takes it, and is then told of the size.
    let node = "\(ServedDisk.node(id))-\(size)-\(Hex.text(Random.bytes(4)))"
    let server = try addNode(node, disk, until: deadline)
    try qmp.command(
      "qom-set",
      [
        "path": .string("/machine/peripheral/\(device.device)"), "property": .string("drive"),
        "value": .string(node),
      ],
      until: deadline
    )
    try qmp.command(
      "block_resize",
      ["node-name": .string(node), "size": .integer(Int64(size))],
      until: deadline
    )
    disk.ignoreFlushes()
    try removeNode(old, until: deadline)
    disk.endHostRequests()
    let before = diskServers.withLock { $0.updateValue(server, forKey: id) }
    before?.stop()
  }

  /// QEMU's name of the node that a disk's device has.
  private func currentNode(of device: ServedDisk, until deadline: Deadline) throws -> String {
    let value = try qmp.command(
      "qom-get",
      ["path": .string("/machine/peripheral/\(device.device)"), "property": .string("drive")],
      until: deadline
    )
    // The drive of a USB disk is that of the SCSI disk in it.
    guard let node = value.string, !node.isEmpty else { return ServedDisk.node(device.id) }
    return node
  }

  // MARK: Hot plug

  /// Takes a disk away from the guest. What was not flushed stays unflushed.
  package func detachDisk(_ id: String, until deadline: Deadline) throws {
    let (device, disk) = try device(id, isAttached: true)
    guard device.canBeDetached else {
      throw DiskRefusal(
        description:
          "the disk '\(id)' of the model \(device.model.rawValue) has no slot of its own: boot with "
          + "removable = true (Swift: isRemovable)"
      )
    }
    let node = try currentNode(of: device, until: deadline)
    try qmp.command("device_del", ["id": .string(device.device)], until: deadline)
    // The guest's driver lets a PCI device go; until then QEMU keeps it. QEMU's event DEVICE_DELETED could be among the events
    // that a save forgets (`forgetEvents`), so QEMU is asked.
    while try hasDevice(device.device, until: deadline) {
      guard !deadline.isExpired else {
        throw DiskRefusal(description: "the guest did not let the disk '\(id)' go")
      }
      usleep(2000)
    }
    disk.ignoreFlushes()
    try removeNode(node, until: deadline)
    diskServers.withLock { $0.removeValue(forKey: id) }?.stop()
    disk.endHostRequests()
  }

  private func hasDevice(_ name: String, until deadline: Deadline) throws -> Bool {
    let list = try qmp.command("qom-list", ["path": .string("/machine/peripheral")], until: deadline)
    return list.array?.contains { $0["name"]?.string == name } ?? false
  }

  /// Gives a disk back to the guest that was detached.
  package func attachDisk(_ id: String, until deadline: Deadline) throws {
    let (device, disk) = try device(id, isAttached: false)
    let server = try addNode(ServedDisk.node(id), disk, until: deadline)
    do {
      try qmp.command("device_add", members: device.deviceMembers, until: deadline)
    } catch {
      try? removeNode(ServedDisk.node(id), until: deadline)
      throw error
    }
    diskServers.withLock { $0[id] = server }
    if device.model == .usb { replugged.withLock { _ = $0.insert(id) } }
  }
}
