import Glibc
import ProviumArchitecture
import ProviumEvents
import ProviumSystem
import ProviumVM

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
    guard !plan.hasDHCP else {
      throw ProviumError(.invalidUse, "host and dhcp exclude each other: leave one of them out")
    }
    let before = networks.count
    let network = try networks.add(plan)
    do {
      try network.connectHost(
        try services.host.qemu(for: try .host),
        errorFile: "\(services.run.path)/gateway\(services.nextMachineNumber()).stderr"
      )
    } catch {
      networks.end(after: before)
      if let error = error as? ProviumError { throw error }
      throw ProviumError(.unavailable, "\(error)", cause: error)
    }
    events.send(
      .warning(
        file: name,
        text: "the network \(plan.name) reaches this computer and its networks (host = true)"
      )
    )
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
    guard let gateway = network.gateway, let address = interface.addresses.first(where: { !$0.isV6 }) else {
      throw ProviumError(
        .invalidUse,
        "the network \(network.name) does not reach the host: create it with host = true"
      )
    }
    // Another program may take a free port before the gateway does.
    for attempt in 1... {
      let chosen = try port ?? Self.freePort()
      do { try gateway.process.forward(port: chosen, to: "\(address)", guestPort) } catch {
        if port == nil, attempt < 5 { continue }
        throw ProviumError(.invalidUse, "\(error)", cause: error)
      }
      events.send(
        .warning(
          file: name,
          text:
            "127.0.0.1:\(chosen) of this computer leads to \(address):\(guestPort) on the network \(network.name)"
        )
      )
      return chosen
    }
    throw ProviumError(.infrastructure, "no port of this host is free")
  }

  /// A TCP port of the loopback interface that no program uses now.
  private static func freePort() throws -> UInt16 {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw SystemError("make a socket") }
    let probe = Descriptor(owning: number)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(probe.raw, $0, length) == 0 ? getsockname(probe.raw, $0, &length) : -1
      }
    }
    guard result == 0 else { throw SystemError("find a free port of this host") }
    return UInt16(bigEndian: address.sin_port)
  }
}
