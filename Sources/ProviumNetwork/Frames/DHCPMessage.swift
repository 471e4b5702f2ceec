import ProviumSystem

/// A DHCP message (RFC 2131, RFC 2132): the fixed fields of BOOTP, a magic number, options.
package struct DHCPMessage: Hashable, Sendable {
  package enum Kind: UInt8, Sendable, CaseIterable {
    case discover = 1, offer, request, decline, ack, nak, release, inform
  }
  private static let fixedSize = 236
  private static let magic: [UInt8] = [99, 130, 83, 99]
  package static let serverPort: UInt16 = 67
  package static let clientPort: UInt16 = 68

  /// Numbers of options.
  package enum Option {
    package static let subnetMask: UInt8 = 1
    package static let router: UInt8 = 3
    package static let dnsServer: UInt8 = 6
    package static let requestedAddress: UInt8 = 50
    package static let leaseTime: UInt8 = 51
    package static let kind: UInt8 = 53
    package static let server: UInt8 = 54
    static let pad: UInt8 = 0
    static let end: UInt8 = 255
  }

  package var isReply = false
  package var transaction: UInt32 = 0
  package var seconds: UInt16 = 0
  /// 0x8000: the client wants replies by broadcast.
  package var flags: UInt16 = 0
  package var clientAddress = IPAddress.anyV4
  package var yourAddress = IPAddress.anyV4
  package var serverAddress = IPAddress.anyV4
  package var clientMAC = MACAddress.zero
  /// In the order of the message.
  package var options: [Option.Pair] = []

  package init() {}

  /// Decodes the payload of a datagram; nil for other bytes.
  package init?(_ bytes: [UInt8]) {
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

  package func option(_ code: UInt8) -> [UInt8]? { options.first { $0.code == code }?.value }
  package var kind: Kind? { option(Option.kind).flatMap { $0.first }.flatMap(Kind.init(rawValue:)) }
  package var requestedAddress: IPAddress? {
    option(Option.requestedAddress).flatMap { IPAddress(bytes: $0) }
  }

  package var encoded: [UInt8] {
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
  package struct Pair: Hashable, Sendable {
    package let code: UInt8
    package let value: [UInt8]

    package init(code: UInt8, value: [UInt8]) {
      self.code = code
      self.value = value
    }

    package init(code: UInt8, number: UInt32) {
      var value: [UInt8] = []
      value.appendBig(number)
      self.init(code: code, value: value)
    }
  }
}
