import ProviumLua
import ProviumNetwork

/// Frames as Lua tables: one table for each layer, and the payload.
enum FrameTables {
  // MARK: Decoding

  /// - Returns: the table, and the names of its layers.
  static func table(_ bytes: [UInt8]) -> (LuaValue, Set<String>) {
    let frame = Frame(bytes)
    var table = LuaTable()
    var layers: Set<String> = []
    func add(_ name: String, _ layer: LuaTable?) {
      guard let layer else { return }
      table[name] = .table(layer)
      layers.insert(name)
    }
    add("eth", eth(frame))
    add("arp", frame.arp.map(arp))
    add("ip", frame.ip.map(ip))
    add("icmp", frame.icmp.map(icmp))
    add("udp", frame.udp.map(udp))
    add("tcp", frame.tcp.map(tcp))
    if let udp = frame.udp {
      if [DHCPMessage.serverPort, DHCPMessage.clientPort].contains(udp.destination) {
        add("dhcp", DHCPMessage(frame.payload).map(dhcp))
      }
      if udp.destination == 53 || udp.source == 53 { add("dns", DNSMessage(frame.payload).map(dns)) }
    }
    table["payload"] = .string(frame.payload)
    table["raw"] = .string(bytes)
    return (.table(table), layers)
  }

  private static func eth(_ frame: Frame) -> LuaTable {
    var table = LuaTable()
    table["src"] = .text(frame.source.description)
    table["dst"] = .text(frame.destination.description)
    table["type"] = .integer(Int64(frame.etherType))
    if let vlan = frame.vlan { table["vlan"] = .integer(Int64(vlan)) }
    return table
  }

  private static func arp(_ arp: ARPMessage) -> LuaTable {
    var table = LuaTable()
    table["op"] =
      switch arp.operation {
      case ARPMessage.request: "request"
      case ARPMessage.reply: "reply"
      default: .integer(Int64(arp.operation))
      }
    table["sender_mac"] = .text(arp.senderMAC.description)
    table["sender_ip"] = .text(arp.senderIP.description)
    table["target_mac"] = .text(arp.targetMAC.description)
    table["target_ip"] = .text(arp.targetIP.description)
    return table
  }

  private static func ip(_ ip: IPHeader) -> LuaTable {
    var table = LuaTable()
    table["version"] = ip.source.isV6 ? 6 : 4
    table["src"] = .text(ip.source.description)
    table["dst"] = .text(ip.destination.description)
    table["proto"] = .integer(Int64(ip.transport))
    table["ttl"] = .integer(Int64(ip.ttl))
    table["id"] = .integer(Int64(ip.identification))
    table["df"] = .boolean(ip.doesNotFragment)
    table["mf"] = .boolean(ip.hasMoreFragments)
    table["offset"] = .integer(Int64(ip.fragmentOffset) * 8)
    return table
  }

  private static func icmp(_ icmp: ICMPHeader) -> LuaTable {
    var table = LuaTable()
    table["type"] = .integer(Int64(icmp.type))
    table["code"] = .integer(Int64(icmp.code))
    table["id"] = .integer(Int64(icmp.rest >> 16))
    table["seq"] = .integer(Int64(icmp.rest & 0xFFFF))
    return table
  }

  private static func udp(_ udp: UDPHeader) -> LuaTable {
    var table = LuaTable()
    table["sport"] = .integer(Int64(udp.source))
    table["dport"] = .integer(Int64(udp.destination))
    return table
  }

  private static func tcp(_ tcp: TCPHeader) -> LuaTable {
    var table = LuaTable()
    table["sport"] = .integer(Int64(tcp.source))
    table["dport"] = .integer(Int64(tcp.destination))
    table["seq"] = .integer(Int64(tcp.sequence))
    table["ack"] = .integer(Int64(tcp.acknowledgement))
    table["flags"] = .integer(Int64(tcp.flags))
    table["window"] = .integer(Int64(tcp.window))
    table["options"] = .string(tcp.options)
    return table
  }

  // MARK: Encoding

  /// The frame of a table with the layers `eth`, `arp`, `ip`, `icmp`, `udp`, `tcp`, `dhcp`, `dns`, and `payload`. The station is the sender
  /// where the table does not say another one.
  static func frame(_ argument: LuaArgument, from station: Station) throws -> Frame {
    // A table that was received can be sent again: `raw` is ignored, and `payload` comes before `dhcp` and `dns`.
    let options = try argument.options(
      known: ["eth", "arp", "ip", "icmp", "udp", "tcp", "payload", "raw", "dhcp", "dns"]
    )
    var frame = Frame()
    frame.source = station.mac
    frame.destination = .broadcast
    if let eth = try options["eth"]?.options(known: ["src", "dst", "type", "vlan"]) {
      frame.source = try eth["src"].map(NetworkOptions.mac) ?? station.mac
      frame.destination = try eth["dst"].map(NetworkOptions.mac) ?? .broadcast
      frame.etherType = UInt16(try eth["type"]?.integer(in: 0...0xFFFF) ?? 0)
      frame.vlan = try eth["vlan"].map { UInt16(try $0.integer(in: 0...0xFFFF)) }
    }
    frame.payload = try options["payload"]?.bytes() ?? message(options) ?? []
    guard frame.payload.count <= 65000 else {
      throw argument.refused("has a payload of \(frame.payload.count) bytes; a frame has at most 65000")
    }
    frame.arp = try options["arp"].map { try arp($0, station) }
    frame.icmp = try options["icmp"].map(icmp)
    frame.udp = try options["udp"].map(udp)
    frame.tcp = try options["tcp"].map(tcp)
    if let ip = options["ip"] {
      frame.ip = try self.ip(ip, frame, station)
    } else if frame.icmp != nil || frame.udp != nil || frame.tcp != nil {
      throw argument.expected("a table with 'ip', where there is icmp, udp or tcp")
    }
    return frame
  }

  private static func address(_ argument: LuaArgument?, or other: IPAddress?) throws -> IPAddress {
    guard let argument else { return other ?? .anyV4 }
    guard let address = try NetworkOptions.addresses(argument).first else {
      throw argument.expected("an IP address")
    }
    return address
  }

  private static func ip(_ argument: LuaArgument, _ frame: Frame, _ station: Station) throws -> IPHeader {
    let options = try argument.options(
      known: ["version", "src", "dst", "proto", "ttl", "id", "df", "mf", "offset"]
    )
    guard let dst = options["dst"] else { throw argument.expected("a table with 'dst'") }
    let destination = try address(dst, or: nil)
    let own = station.addresses.first { $0.isV6 == destination.isV6 }
    let source = try address(options["src"], or: own)
    guard source.isV6 == destination.isV6 else { throw argument.refused("has addresses of two families") }
    let icmp = source.isV6 ? IPProtocol.icmpV6 : IPProtocol.icmp
    let natural =
      frame.udp != nil ? IPProtocol.udp : frame.tcp != nil ? IPProtocol.tcp : frame.icmp != nil ? icmp : 0
    var header = IPHeader(
      source: source,
      destination: destination,
      transport: UInt8(try options["proto"]?.integer(in: 0...255) ?? Int64(natural))
    )
    header.ttl = UInt8(try options["ttl"]?.integer(in: 0...255) ?? 64)
    header.identification = UInt16(try options["id"]?.integer(in: 0...0xFFFF) ?? 0)
    header.doesNotFragment = try options["df"]?.boolean() ?? false
    header.hasMoreFragments = try options["mf"]?.boolean() ?? false
    header.fragmentOffset = UInt16((try options["offset"]?.integer(in: 0...65528) ?? 0) / 8)
    return header
  }

  private static func arp(_ argument: LuaArgument, _ station: Station) throws -> ARPMessage {
    let options = try argument.options(known: ["op", "sender_mac", "sender_ip", "target_mac", "target_ip"])
    let isReply = try options["op"]?.string(oneOf: ["request", "reply"]) == "reply"
    return ARPMessage(
      operation: isReply ? ARPMessage.reply : ARPMessage.request,
      senderMAC: try options["sender_mac"].map(NetworkOptions.mac) ?? station.mac,
      senderIP: try address(options["sender_ip"], or: station.addresses.first { !$0.isV6 }),
      targetMAC: try options["target_mac"].map(NetworkOptions.mac) ?? .zero,
      targetIP: try address(options["target_ip"], or: nil)
    )
  }

  private static func icmp(_ argument: LuaArgument) throws -> ICMPHeader {
    let options = try argument.options(known: ["type", "code", "id", "seq"])
    let identifier = UInt32(try options["id"]?.integer(in: 0...0xFFFF) ?? 0)
    return ICMPHeader(
      type: UInt8(try options["type"]?.integer(in: 0...255) ?? 8),
      code: UInt8(try options["code"]?.integer(in: 0...255) ?? 0),
      rest: identifier << 16 | UInt32(try options["seq"]?.integer(in: 0...0xFFFF) ?? 0)
    )
  }

  private static func udp(_ argument: LuaArgument) throws -> UDPHeader {
    let options = try argument.options(known: ["sport", "dport"])
    return UDPHeader(
      source: UInt16(try options["sport"]?.integer(in: 0...0xFFFF) ?? 0),
      destination: UInt16(try options["dport"]?.integer(in: 0...0xFFFF) ?? 0)
    )
  }

  private static func tcp(_ argument: LuaArgument) throws -> TCPHeader {
    let options = try argument.options(known: ["sport", "dport", "seq", "ack", "flags", "window", "options"])
    var header = TCPHeader(
      source: UInt16(try options["sport"]?.integer(in: 0...0xFFFF) ?? 0),
      destination: UInt16(try options["dport"]?.integer(in: 0...0xFFFF) ?? 0)
    )
    header.sequence = UInt32(try options["seq"]?.integer(in: 0...0xFFFF_FFFF) ?? 0)
    header.acknowledgement = UInt32(try options["ack"]?.integer(in: 0...0xFFFF_FFFF) ?? 0)
    header.flags = UInt8(try options["flags"]?.integer(in: 0...255) ?? 0)
    header.window = UInt16(try options["window"]?.integer(in: 0...0xFFFF) ?? 0)
    header.options = try options["options"]?.bytes() ?? []
    return header
  }
}
