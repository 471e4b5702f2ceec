import ProviumSystem

/// A DHCP message (RFC 2131, RFC 2132): the fixed fields of BOOTP, a magic number, options.
public struct DHCPMessage: Hashable, Sendable {
  /// The kind of a message, with its number in option 53.
  public enum Kind: UInt8, Sendable, CaseIterable {
    /// Sent by clients: ``discover``, ``request``, ``decline``, ``release``, ``inform``. Sent by servers: the others.
    case discover = 1, offer, request, decline, ack, nak, release, inform
  }
  private static let fixedSize = 236
  private static let magic: [UInt8] = [99, 130, 83, 99]
  /// The UDP port of servers.
  public static let serverPort: UInt16 = 67
  /// The UDP port of clients.
  public static let clientPort: UInt16 = 68

  /// Numbers of options.
  public enum Option {
    /// The network mask of the client's subnet.
    public static let subnetMask: UInt8 = 1
    /// The default gateway.
    public static let router: UInt8 = 3
    /// The name server.
    public static let dnsServer: UInt8 = 6
    /// The address that the client asks for.
    public static let requestedAddress: UInt8 = 50
    /// Seconds.
    public static let leaseTime: UInt8 = 51
    /// The number of a ``Kind``.
    public static let kind: UInt8 = 53
    /// The address by which the client knows the server.
    public static let server: UInt8 = 54
    static let pad: UInt8 = 0
    static let end: UInt8 = 255
  }

  /// Whether a server sent the message.
  public var isReply = false
  /// The number by which a client recognizes the replies to its messages.
  public var transaction: UInt32 = 0
  /// The time since the client began.
  public var seconds: UInt16 = 0
  /// 0x8000: the client wants replies by broadcast.
  public var flags: UInt16 = 0
  /// The address that the client has already. All addresses are of IPv4.
  public var clientAddress = IPAddress.anyV4
  /// The address that a server offers or leases.
  public var yourAddress = IPAddress.anyV4
  /// The server of the next step of a network boot.
  public var serverAddress = IPAddress.anyV4
  /// The Ethernet address of the client.
  public var clientMAC = MACAddress.zero
  /// In the order of the message.
  public var options: [Option.Pair] = []

  /// Creates a request without options.
  public init() {}

  /// Decodes the payload of a datagram; nil for other bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.fixedSize + 4,
      bytes[Self.fixedSize..<(Self.fixedSize + 4)].elementsEqual(Self.magic),
      bytes[0] == 1 || bytes[0] == 2, let client = IPAddress(bytes: Array(bytes[12..<16])),
      let yours = IPAddress(bytes: Array(bytes[16..<20])),
      let server = IPAddress(bytes: Array(bytes[20..<24]))
    else { return nil }
    isReply = bytes[0] == 2
    transaction = bytes.integer(at: 4, .bigEndian) ?? 0
    seconds = bytes.integer(at: 8, .bigEndian) ?? 0
    flags = bytes.integer(at: 10, .bigEndian) ?? 0
    (clientAddress, yourAddress, serverAddress) = (client, yours, server)
    clientMAC = bytes.withUnsafeBytes { raw in raw.baseAddress.map { MACAddress(at: $0 + 28) } ?? .zero }
    var at = Self.fixedSize + 4
    while at < bytes.count, bytes[at] != Option.end {
      if bytes[at] == Option.pad {
        at += 1
        continue
      }
      guard at + 1 < bytes.count, at + 2 + Int(bytes[at + 1]) <= bytes.count else { return nil }
      let end = at + 2 + Int(bytes[at + 1])
      options.append(Option.Pair(code: bytes[at], value: Array(bytes[(at + 2)..<end])))
      at = end
    }
  }

  /// The value of the first option with a number; nil: there is none.
  public func option(_ code: UInt8) -> [UInt8]? { options.first { $0.code == code }?.value }
  /// The kind of the message; nil for a message without a known one.
  public var kind: Kind? { option(Option.kind).flatMap { $0.first }.flatMap(Kind.init(rawValue:)) }
  /// The address that a client asks for.
  public var requestedAddress: IPAddress? {
    option(Option.requestedAddress).flatMap { IPAddress(bytes: $0) }
  }

  /// The bytes of the message, for the payload of a datagram.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = [isReply ? 2 : 1, 1, 6, 0]
    bytes.appendBig(transaction)
    bytes.appendBig(seconds)
    bytes.appendBig(flags)
    bytes += clientAddress.bytes + yourAddress.bytes + serverAddress.bytes + [0, 0, 0, 0] + clientMAC.bytes
    bytes += Array(repeating: 0, count: Self.fixedSize - bytes.count) + Self.magic
    for option in options {
      let value = option.value.prefix(255)
      bytes += [option.code, UInt8(value.count)] + value
    }
    bytes.append(Option.end)
    return bytes
  }
}

extension DHCPMessage.Option {
  /// An option: its number and its value, of at most 255 bytes.
  public struct Pair: Hashable, Sendable {
    /// The number of the option.
    public let code: UInt8
    /// The bytes after the length.
    public let value: [UInt8]

    /// Creates an option.
    public init(code: UInt8, value: [UInt8]) {
      self.code = code
      self.value = value
    }

    /// Creates an option whose value is a number in network byte order.
    public init(code: UInt8, number: UInt32) {
      var value: [UInt8] = []
      value.appendBig(number)
      self.init(code: code, value: value)
    }
  }
}
