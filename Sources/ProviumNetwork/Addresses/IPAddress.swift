import Glibc

/// An IPv4 or IPv6 address.
public struct IPAddress: Hashable, Sendable, Codable, CustomStringConvertible {
  /// In network byte order: 4 bytes or 16.
  public let bytes: [UInt8]

  /// nil unless there are 4 bytes or 16.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  private init(checked bytes: [UInt8]) { self.bytes = bytes }

  /// An IPv4 address.
  public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) { bytes = [a, b, c, d] }

  /// Parses text as `inet_pton(3)` does; nil for other text.
  public init?(_ text: String) {
    var storage = [UInt8](repeating: 0, count: 16)
    let isV6 = text.utf8.contains(UInt8(ascii: ":"))
    guard inet_pton(isV6 ? AF_INET6 : AF_INET, text, &storage) == 1 else { return nil }
    bytes = isV6 ? storage : Array(storage.prefix(4))
  }

  /// `0.0.0.0`
  public static let anyV4 = IPAddress(0, 0, 0, 0)
  /// `255.255.255.255`
  public static let broadcastV4 = IPAddress(255, 255, 255, 255)

  /// Whether the address is one of IPv6.
  public var isV6: Bool { bytes.count == 16 }

  /// `10.7.0.1`, `fd07::1`
  public var description: String {
    var text = [CChar](repeating: 0, count: 64)
    guard inet_ntop(isV6 ? AF_INET6 : AF_INET, bytes, &text, socklen_t(text.count)) != nil else { return "?" }
    return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "?" }
  }

  /// The link-local address that RFC 4291, appendix A, derives from an Ethernet address.
  package static func linkLocal(_ mac: MACAddress) -> IPAddress {
    let m = mac.bytes
    return IPAddress(
      checked: [0xFE, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xFF, 0xFE, m[3], m[4], m[5]]
    )
  }
}
