/// Answers ARP requests and neighbour solicitations for the addresses of its station.
package struct AddressAnswerer: Answerer {
  package init() {}

  package func replies(to frame: Frame, for station: Station) -> [[UInt8]] {
    if let arp = frame.arp, arp.operation == ARPMessage.request, station.addresses.contains(arp.targetIP) {
      return [Frame.arpReply(to: arp, from: station.mac, vlan: frame.vlan).encoded]
    }
    guard let icmp = frame.icmp, icmp.type == NeighbourDiscovery.solicitation, let ip = frame.ip,
      ip.source.isV6,
      frame.payload.count >= 16, let target = IPAddress(bytes: Array(frame.payload.prefix(16))),
      station.addresses.contains(target)
    else { return [] }
    return [
      Frame.neighbourAdvertisement(of: target, at: station.mac, to: frame.source, ip.source).encoded
    ]
  }
}

/// Answers ICMP and ICMPv6 echo requests.
package struct PingAnswerer: Answerer {
  package init() {}

  package func replies(to frame: Frame, for station: Station) -> [[UInt8]] {
    guard let icmp = frame.icmp, let ip = frame.ip, station.addresses.contains(ip.destination),
      icmp.type == (ip.source.isV6 ? 128 : 8)
    else { return [] }
    var reply = frame.reply(from: station.mac)
    reply.icmp?.type = ip.source.isV6 ? 129 : 0
    return [reply.encoded]
  }
}

/// Sends the payload of each UDP datagram back.
package struct EchoAnswerer: Answerer {
  package init() {}

  package func replies(to frame: Frame, for station: Station) -> [[UInt8]] {
    guard let udp = frame.udp, let ip = frame.ip, station.addresses.contains(ip.destination),
      udp.destination != DHCPMessage.serverPort
    else { return [] }
    var reply = frame.reply(from: station.mac)
    reply.udp = UDPHeader(source: udp.destination, destination: udp.source)
    return [reply.encoded]
  }
}

/// Answers DNS queries for addresses.
package struct DNSAnswerer: Answerer {
  private let names: [String: [IPAddress]]

  /// - Parameter names: the addresses by name.
  package init(names: [String: [IPAddress]]) {
    self.names = Dictionary(names.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: +)
  }

  package func replies(to frame: Frame, for station: Station) -> [[UInt8]] {
    guard let udp = frame.udp, udp.destination == 53, let ip = frame.ip,
      station.addresses.contains(ip.destination), var message = DNSMessage(frame.payload), !message.isResponse
    else { return [] }
    let known = names[message.name]
    message.isResponse = true
    message.responseCode = known == nil ? DNSMessage.ResponseCode.noSuchName : DNSMessage.ResponseCode.ok
    message.answers = (known ?? []).filter {
      $0.isV6 ? message.type == DNSMessage.RecordType.aaaa : message.type == DNSMessage.RecordType.a
    }
    var reply = frame.reply(from: station.mac)
    reply.udp = UDPHeader(source: udp.destination, destination: udp.source)
    reply.payload = message.encoded
    return [reply.encoded]
  }
}
