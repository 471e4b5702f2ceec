import Glibc
import ProviumArchitecture
package import ProviumNetwork
import ProviumSystem
import ProviumVM

extension NetworkPlan {
  /// Checks that a network that reaches the host can have the other settings.
  func checkHost() throws(ProviumError) {
    guard hasDHCP else { return }
    throw ProviumError(.invalidUse, "host and dhcp exclude each other: leave one of them out")
  }
}

/// The way of a network to the host.
extension VirtualNetwork {
  /// Connects the network with the host. Blocks until the gateway's QEMU answers.
  /// - Throws: `ProviumError` for a network with other subnets than one of IPv4, and where the host cannot be reached.
  func connectHost(_ services: EngineServices) throws(ProviumError) {
    do {
      try connectHost(
        try services.host.qemu(for: try .host),
        errorFile: "\(services.run.path)/gateway\(services.nextMachineNumber()).stderr"
      )
    } catch let error as ProviumError { throw error } catch {
      throw ProviumError(.unavailable, "\(error)", cause: error)
    }
  }

  /// Forwards connections to a TCP port of this computer's loopback interface to a VM.
  /// - Parameters:
  ///   - port: nil: a free one.
  ///   - addresses: of the VM on this network.
  /// - Returns: the port of this computer.
  package func forward(port: UInt16?, to addresses: [IPAddress], _ guestPort: UInt16) throws(ProviumError)
    -> UInt16
  {
    guard let gateway, let address = addresses.first(where: { !$0.isV6 }) else {
      throw ProviumError(
        .invalidUse,
        "the network \(name) does not reach the host: create it with host = true (in Swift: reachesHost: true)"
      )
    }
    // Another program may take a free port before the gateway does.
    for attempt in 1... {
      do {
        let chosen = try port ?? Self.freePort()
        try gateway.process.forward(port: chosen, to: "\(address)", guestPort)
        return chosen
      } catch {
        if port == nil, attempt < 5 { continue }
        throw ProviumError(.invalidUse, "\(error)", cause: error)
      }
    }
    throw ProviumError(.infrastructure, "no port of this host is free")
  }

  /// Names a network with a way to the host in reports.
  package var hostWarning: String {
    "the network \(name) reaches this computer and its networks (host = true)"
  }

  /// Names a forward in reports.
  package func forwardWarning(port: UInt16, to addresses: [IPAddress], _ guestPort: UInt16) -> String {
    let address = addresses.first { !$0.isV6 }.map(\.description) ?? "?"
    return "127.0.0.1:\(port) of this computer leads to \(address):\(guestPort) on the network \(name)"
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
