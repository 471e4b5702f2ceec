/// Numbers of ICMPv6 messages (RFC 4861).
package enum NeighbourDiscovery {
  package static let solicitation: UInt8 = 135
  package static let advertisement: UInt8 = 136
}

/// Frames that answer others, or announce a station.
extension Frame {
  /// The same frame in the opposite direction.
  public func reply(from mac: MACAddress) -> Frame {
    var reply = self
    (reply.destination, reply.source) = (source, mac)
    if let ip {
      reply.ip = IPHeader(source: ip.destination, destination: ip.source, transport: ip.transport)
    }
    return reply
  }

  package static func arpReply(to request: ARPMessage, from mac: MACAddress, vlan: UInt16? = nil) -> Frame {
    var frame = Frame()
    (frame.destination, frame.source, frame.vlan) = (request.senderMAC, mac, vlan)
    frame.arp = ARPMessage(
      operation: ARPMessage.reply,
      senderMAC: mac,
      senderIP: request.targetIP,
      targetMAC: request.senderMAC,
      targetIP: request.senderIP
    )
    return frame
  }

  /// A neighbour advertisement that overrides what the neighbours know (RFC 4861 section 4.4).
  /// - Parameters:
  ///   - to: the Ethernet address of the receiver; nil: all nodes.
  ///   - address: the IPv6 address of the receiver.
  package static func neighbourAdvertisement(
    of target: IPAddress,
    at mac: MACAddress,
    to: MACAddress? = nil,
    _ address: IPAddress? = nil
  ) -> Frame {
    // ff02::1, and its Ethernet address (RFC 2464 section 7).
    let allNodes = IPAddress(bytes: [0xFF, 2] + Array(repeating: 0, count: 13) + [1]) ?? target
    let isSolicited = address.map { $0.bytes.contains { $0 != 0 } } ?? false
    var frame = Frame()
    (frame.destination, frame.source) = (to ?? MACAddress(0x3333_0000_0001), mac)
    var ip = IPHeader(
      source: target,
      destination: isSolicited ? address ?? allNodes : allNodes,
      transport: IPProtocol.icmpV6
    )
    ip.ttl = 255
    frame.ip = ip
    frame.icmp = ICMPHeader(
      type: NeighbourDiscovery.advertisement,
      rest: isSolicited ? 0x6000_0000 : 0x2000_0000
    )
    frame.payload = target.bytes + [2, 1] + mac.bytes
    return frame
  }

  /// Tells the neighbours the Ethernet address of an IP address: a gratuitous ARP request, or a neighbour advertisement.
  package static func announcement(of address: IPAddress, at mac: MACAddress) -> Frame {
    if address.isV6 { return neighbourAdvertisement(of: address, at: mac) }
    var frame = Frame()
    (frame.destination, frame.source) = (.broadcast, mac)
    frame.arp = ARPMessage(
      operation: ARPMessage.request,
      senderMAC: mac,
      senderIP: address,
      targetMAC: .zero,
      targetIP: address
    )
    return frame
  }

  /// A reply of a DHCP server, by broadcast.
  package static func dhcpReply(
    to request: DHCPMessage,
    _ kind: DHCPMessage.Kind,
    address: IPAddress,
    subnet: IPSubnet,
    server: IPAddress,
    mac: MACAddress,
    leaseTime: UInt32
  ) -> Frame {
    var message = DHCPMessage()
    message.isReply = true
    message.transaction = request.transaction
    message.flags = request.flags
    message.clientMAC = request.clientMAC
    message.yourAddress = address
    message.serverAddress = server
    message.options = [
      .init(code: DHCPMessage.Option.kind, value: [kind.rawValue]),
      .init(code: DHCPMessage.Option.server, value: server.bytes),
    ]
    if kind != .nak {
      let mask = UInt32(truncatingIfNeeded: UInt64(0xFFFF_FFFF) << UInt64(32 - min(32, subnet.prefix)))
      message.options += [
        .init(code: DHCPMessage.Option.leaseTime, number: leaseTime),
        .init(code: DHCPMessage.Option.subnetMask, number: mask),
      ]
    }
    var frame = Frame()
    (frame.destination, frame.source) = (.broadcast, mac)
    frame.ip = IPHeader(source: server, destination: .broadcastV4, transport: IPProtocol.udp)
    frame.udp = UDPHeader(source: DHCPMessage.serverPort, destination: DHCPMessage.clientPort)
    frame.payload = message.encoded
    return frame
  }
}
