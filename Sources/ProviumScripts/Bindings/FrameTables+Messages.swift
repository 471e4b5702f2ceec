import ProviumLua
import ProviumNetwork

/// DHCP and DNS messages as Lua tables.
extension FrameTables {
  // MARK: Decoding

  static func dhcp(_ dhcp: DHCPMessage) -> LuaTable {
    var table = LuaTable()
    table["kind"] = dhcp.kind.map { .text("\($0)") } ?? .nil
    table["xid"] = .integer(Int64(dhcp.transaction))
    table["chaddr"] = .text(dhcp.clientMAC.description)
    table["ciaddr"] = .text(dhcp.clientAddress.description)
    table["yiaddr"] = .text(dhcp.yourAddress.description)
    table["requested"] = dhcp.requestedAddress.map { .text($0.description) } ?? .nil
    let server = dhcp.option(DHCPMessage.Option.server).flatMap { IPAddress(bytes: $0) }
    table["server"] = server.map { .text($0.description) } ?? .nil
    return table
  }

  static func dns(_ dns: DNSMessage) -> LuaTable {
    var table = LuaTable()
    table["id"] = .integer(Int64(dns.identifier))
    table["name"] = .text(dns.name)
    table["type"] = .integer(Int64(dns.type))
    table["response"] = .boolean(dns.isResponse)
    table["rcode"] = .integer(Int64(dns.responseCode))
    return table
  }

  // MARK: Encoding

  /// The payload of a table with `dhcp` or `dns`; nil for a table without them.
  static func message(_ options: LuaOptions) throws -> [UInt8]? {
    if let dhcp = options["dhcp"] { return try self.dhcp(dhcp).encoded }
    return try options["dns"].map { try dns($0).encoded }
  }

  private static func dhcp(_ argument: LuaArgument) throws -> DHCPMessage {
    let options = try argument.options(
      known: [
        "kind", "xid", "chaddr", "ciaddr", "yiaddr", "requested", "server", "mask", "router", "dns", "lease",
      ]
    )
    guard let name = try options["kind"]?.string(oneOf: DHCPMessage.Kind.allCases.map { "\($0)" }),
      let kind = DHCPMessage.Kind.allCases.first(where: { "\($0)" == name })
    else { throw argument.expected("a table with 'kind', such as \"offer\"") }
    var message = DHCPMessage()
    message.isReply = [.offer, .ack, .nak].contains(kind)
    message.transaction = UInt32(try options["xid"]?.integer(in: 0...0xFFFF_FFFF) ?? 0)
    message.clientMAC = try options["chaddr"].map(NetworkOptions.mac) ?? .zero
    message.clientAddress = try address(options["ciaddr"])
    message.yourAddress = try address(options["yiaddr"])
    typealias Option = DHCPMessage.Option
    message.options = [.init(code: Option.kind, value: [kind.rawValue])]
    for (key, code) in [
      ("requested", Option.requestedAddress), ("server", Option.server), ("mask", Option.subnetMask),
      ("router", Option.router), ("dns", Option.dnsServer),
    ] {
      guard let option = options[key] else { continue }
      message.options.append(.init(code: code, value: try address(option).bytes))
    }
    if let lease = options["lease"] {
      let seconds = UInt32(try lease.integer(in: 0...0xFFFF_FFFF))
      message.options.append(.init(code: Option.leaseTime, number: seconds))
    }
    return message
  }

  /// An IPv4 address; 0.0.0.0 where there is none.
  private static func address(_ argument: LuaArgument?) throws -> IPAddress {
    guard let argument else { return .anyV4 }
    guard let address = IPAddress(try argument.string()), !address.isV6 else {
      throw argument.expected("an IPv4 address such as \"10.7.0.9\"")
    }
    return address
  }

  private static func dns(_ argument: LuaArgument) throws -> DNSMessage {
    let options = try argument.options(known: ["id", "name", "type", "response", "rcode", "answers"])
    guard let name = options["name"] else { throw argument.expected("a table with 'name'") }
    var message = DNSMessage(
      identifier: UInt16(try options["id"]?.integer(in: 0...0xFFFF) ?? 0),
      name: try name.string(),
      type: UInt16(try options["type"]?.integer(in: 0...0xFFFF) ?? Int64(DNSMessage.RecordType.a))
    )
    message.isResponse = try options["response"]?.boolean() ?? false
    message.responseCode = UInt8(try options["rcode"]?.integer(in: 0...15) ?? 0)
    message.answers = try options["answers"].map(NetworkOptions.addresses) ?? []
    return message
  }
}
