/// An Ethernet address.
public struct MACAddress: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
  /// The six bytes, the first one in the highest position of the lower 48 bits.
  package let value: UInt64

  package static let size = 6
  /// The address of all stations.
  public static let broadcast = MACAddress(0xFFFF_FFFF_FFFF)
  /// No address. A station that sends a frame from it fills its own in.
  public static let zero = MACAddress(0)

  package init(_ value: UInt64) { self.value = value & 0xFFFF_FFFF_FFFF }

  /// Reads six bytes. The memory needs no alignment.
  package init(at bytes: UnsafeRawPointer) {
    let high = UInt64(UInt16(bigEndian: bytes.loadUnaligned(as: UInt16.self)))
    value = high << 32 | UInt64(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self)))
  }

  /// Parses `02:00:00:00:00:01`; nil for other text.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == Self.size else { return nil }
    var value: UInt64 = 0
    for part in parts {
      guard part.utf8.count == 2, let byte = UInt8(part, radix: 16) else { return nil }
      value = value << 8 | UInt64(byte)
    }
    self.value = value
  }

  /// The six bytes in the order of a frame.
  public var bytes: [UInt8] { (0..<Self.size).map { UInt8(truncatingIfNeeded: value >> (40 - 8 * $0)) } }
  /// Whether frames to it go to a group of stations, or to all.
  public var isMulticast: Bool { value >> 40 & 1 != 0 }

  /// `02:00:00:00:00:01`
  public var description: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }

  /// Orders addresses by their bytes.
  public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}
