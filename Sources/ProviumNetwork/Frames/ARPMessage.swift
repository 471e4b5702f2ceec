import ProviumSystem

/// An ARP message for Ethernet and IPv4 (RFC 826).
///
///     hardware u16 | protocol u16 | 6 u8 | 4 u8 | operation u16 | sender MAC, IP | target MAC, IP
public struct ARPMessage: Hashable, Sendable {
  /// The operation of a request.
  public static let request: UInt16 = 1
  /// The operation of a reply.
  public static let reply: UInt16 = 2
  private static let size = 28

  /// ``request`` or ``reply``.
  public var operation: UInt16
  /// The Ethernet address of the sender.
  public var senderMAC: MACAddress
  /// The IPv4 address of the sender.
  public var senderIP: IPAddress
  /// The Ethernet address that a request asks for; otherwise of the receiver.
  public var targetMAC: MACAddress
  /// The IPv4 address that a request asks about; otherwise of the receiver.
  public var targetIP: IPAddress

  /// Creates a message. All IP addresses are of IPv4.
  public init(
    operation: UInt16,
    senderMAC: MACAddress,
    senderIP: IPAddress,
    targetMAC: MACAddress,
    targetIP: IPAddress
  ) {
    self.operation = operation
    self.senderMAC = senderMAC
    self.senderIP = senderIP
    self.targetMAC = targetMAC
    self.targetIP = targetIP
  }

  init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.size, bytes.starts(with: [0, 1, 8, 0, 6, 4]),
      let operation: UInt16 = bytes.integer(at: 6, .bigEndian),
      let sender = IPAddress(bytes: Array(bytes[14..<18])),
      let target = IPAddress(bytes: Array(bytes[24..<28]))
    else { return nil }
    self.operation = operation
    (senderIP, targetIP) = (sender, target)
    (senderMAC, targetMAC) = bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return (.zero, .zero) }
      return (MACAddress(at: start + 8), MACAddress(at: start + 18))
    }
  }

  var encoded: [UInt8] {
    var bytes: [UInt8] = [0, 1, 8, 0, 6, 4]
    bytes.appendBig(operation)
    return bytes + senderMAC.bytes + senderIP.bytes + targetMAC.bytes + targetIP.bytes
  }
}
