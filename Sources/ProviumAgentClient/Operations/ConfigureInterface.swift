package import ProviumSystem

/// The settings of a network interface of a guest.
package struct InterfaceSettings: Hashable, Sendable {
  package struct Address: Hashable, Sendable {
    /// 4 bytes or 16, in network byte order.
    package var bytes: [UInt8]
    /// Bits.
    package var prefix: Int
    /// Whether a kernel without the address family may refuse it.
    package var isOptional: Bool

    package init(bytes: [UInt8], prefix: Int, isOptional: Bool = false) {
      self.bytes = bytes
      self.prefix = prefix
      self.isOptional = isOptional
    }
  }
  package struct Route: Hashable, Sendable {
    /// 4 bytes or 16, as the gateway.
    package var destination: [UInt8]
    package var prefix: Int
    package var gateway: [UInt8]

    package init(destination: [UInt8], prefix: Int, gateway: [UInt8]) {
      self.destination = destination
      self.prefix = prefix
      self.gateway = gateway
    }
  }
  /// The present or the permanent Ethernet address of the interface: 6 bytes.
  package var find: [UInt8]
  /// The Ethernet address that it gets: 6 bytes.
  package var address: [UInt8]
  /// nil: unchanged.
  package var mtu: Int?
  /// Of the guest; empty: unchanged.
  package var hostName: String
  /// All IP addresses that the interface is to have.
  package var addresses: [Address]
  package var routes: [Route]

  package init(
    find: [UInt8],
    address: [UInt8],
    mtu: Int? = nil,
    hostName: String = "",
    addresses: [Address] = [],
    routes: [Route] = []
  ) {
    self.find = find
    self.address = address
    self.mtu = mtu
    self.hostName = hostName
    self.addresses = addresses
    self.routes = routes
  }
}

extension AgentConnection {
  /// Gives a network interface of the guest its addresses, and switches it on.
  /// - Returns: the interface's name.
  package func configureInterface(_ settings: InterfaceSettings, until deadline: Deadline) throws -> String {
    try perform("interface", []) { exchange in
      let message = try Request.interface(settings)
      let name = try exchange.ask(message, .data, what: "set a network interface", until: deadline) {
        String(decoding: $0, as: UTF8.self)
      }
      return (name, .nothing)
    }
  }
}

extension Request {
  /// Encodes INTERFACE.
  static func interface(_ settings: InterfaceSettings) throws -> EncodedMessage {
    guard settings.find.count == 6, settings.address.count == 6 else {
      throw InvalidArgument(.interface, "an Ethernet address has 6 bytes")
    }
    let writer = MessageWriter(.interface)
    writer.bytes(settings.find)
    writer.bytes(settings.address)
    writer.integer(UInt32(clamping: settings.mtu ?? 0))
    writer.counted(ByteString(settings.hostName))
    writer.integer(UInt32(settings.addresses.count))
    for address in settings.addresses {
      try write(family: address.bytes, address.prefix, to: writer)
      writer.integer(UInt8(address.isOptional ? 1 : 0))
      writer.bytes(padded(address.bytes))
    }
    writer.integer(UInt32(settings.routes.count))
    for route in settings.routes {
      try write(family: route.destination, route.prefix, to: writer)
      writer.bytes(padded(route.destination))
      writer.bytes(padded(route.gateway))
    }
    return try writer.finish()
  }

  private static func write(family bytes: [UInt8], _ prefix: Int, to writer: MessageWriter) throws {
    guard bytes.count == 4 || bytes.count == 16, (0...bytes.count * 8).contains(prefix) else {
      throw InvalidArgument(.interface, "an IP address of \(bytes.count) bytes with a prefix of \(prefix)")
    }
    writer.integer(UInt8(bytes.count == 4 ? 4 : 6))
    writer.integer(UInt8(prefix))
  }

  private static func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes.prefix(16) + Array(repeating: 0, count: max(0, 16 - bytes.count))
  }
}
