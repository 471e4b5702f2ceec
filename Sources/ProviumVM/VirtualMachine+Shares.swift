import ProviumAgentClient
package import ProviumSystem

extension VirtualMachine {
  /// Mounts the folders of the configuration in the guest.
  func mountShares(until deadline: Deadline) throws {
    let all = shares.all.map(\.device)
    // The root first: the others are mounted in it.
    for (index, device) in all.enumerated() where device.isRoot {
      try connection.mountShare(index + 1, at: ByteString(GuestRoot.lower), until: deadline)
      try shares.connect(process)
      try GuestRoot(connection: connection, release: image.release).enter(until: deadline)
    }
    for (index, device) in all.enumerated() where !device.isRoot {
      try connection.mountShare(index + 1, at: ByteString(device.path), until: deadline)
    }
    if !all.isEmpty { try shares.connect(process) }
  }

  /// Mounts one more folder of the host in the running guest.
  /// - Throws: `InvalidConfiguration` for a share that no VM can have; `GuestError` where the guest cannot mount it.
  package func share(_ device: SharedFolder, until deadline: Deadline) throws {
    if let problem = device.problem { throw InvalidConfiguration(.share(device.path), problem) }
    if shares.all.contains(where: { (try? $0.device.place) == (try? device.place) }) {
      throw InvalidConfiguration(.share(device.path), .refused("is the same path as that of another share"))
    }
    let number = try shares.add(device)
    do {
      try connection.mountShare(number, at: ByteString(device.path), until: deadline)
    } catch {
      shares.removeLast()
      throw error
    }
    try shares.connect(process)
  }
}
