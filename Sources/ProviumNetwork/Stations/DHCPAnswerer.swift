import Synchronization

/// Leases the addresses of a subnet by DHCP: each client gets the same address again.
package final class DHCPAnswerer: Answerer {
  private let subnet: IPSubnet
  private let leaseTime: UInt32
  private struct Leases {
    var addresses: [MACAddress: IPAddress] = [:]
    /// The next host that is tried.
    var next: Int
  }
  private let leases: Mutex<Leases>
  /// A guest can ask with many addresses.
  private static let mostLeases = 1024

  /// - Parameters:
  ///   - subnet: an IPv4 subnet.
  ///   - first: the number of the first host that is leased.
  ///   - leaseTime: seconds.
  package init(subnet: IPSubnet, first: Int, leaseTime: UInt32 = 3600) {
    self.subnet = subnet
    leases = Mutex(Leases(next: first))
    self.leaseTime = leaseTime
  }

  package func replies(to frame: Frame, for station: Station) -> [[UInt8]] {
    guard frame.udp?.destination == DHCPMessage.serverPort, let request = DHCPMessage(frame.payload),
      !request.isReply, let server = station.addresses.first(where: { !$0.isV6 }), let kind = request.kind,
      kind == .discover || kind == .request
    else { return [] }
    // A request for the lease of another server.
    if let asked = request.option(DHCPMessage.Option.server), asked != server.bytes { return [] }
    guard let address = address(for: request.clientMAC) else { return [] }
    let wanted = request.requestedAddress ?? request.clientAddress
    let isRefused = kind == .request && wanted != address
    return [
      Frame.dhcpReply(
        to: request,
        isRefused ? .nak : kind == .discover ? .offer : .ack,
        address: isRefused ? .anyV4 : address,
        subnet: subnet,
        server: server,
        mac: station.mac,
        leaseTime: leaseTime
      ).encoded
    ]
  }

  /// Leases this address to a client, and to no other.
  package func reserve(_ address: IPAddress, for client: MACAddress) {
    leases.withLock { $0.addresses[client] = address }
  }

  private func address(for client: MACAddress) -> IPAddress? {
    leases.withLock { leases in
      if let known = leases.addresses[client] { return known }
      guard leases.addresses.count < Self.mostLeases else { return nil }
      while let address = subnet.host(leases.next) {
        leases.next += 1
        guard !leases.addresses.values.contains(address) else { continue }
        leases.addresses[client] = address
        return address
      }
      return nil
    }
  }
}
