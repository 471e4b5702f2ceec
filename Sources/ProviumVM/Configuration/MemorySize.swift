import ProviumSystem

/// An amount of memory.
public struct MemorySize: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The number of bytes.
  public let bytes: UInt64

  /// Creates an amount from a number of bytes.
  public init(bytes: UInt64) { self.bytes = bytes }

  /// An amount in mebibytes (1024 × 1024 bytes).
  /// - Parameter count: an amount that does not fit 64 bits becomes the largest one, which no VM can have.
  public static func mebibytes(_ count: UInt64) -> MemorySize { MemorySize(count, shiftedBy: 20) }

  /// An amount in gibibytes (1024 mebibytes).
  /// - Parameter count: an amount that does not fit 64 bits becomes the largest one, which no VM can have.
  public static func gibibytes(_ count: UInt64) -> MemorySize { MemorySize(count, shiftedBy: 30) }

  private init(_ count: UInt64, shiftedBy shift: UInt64) {
    bytes = count <= .max >> shift ? count << shift : .max
  }

  /// Compares two amounts.
  public static func < (left: MemorySize, right: MemorySize) -> Bool { left.bytes < right.bytes }

  /// `512M`, `1.5G`
  public var description: String { Quantity.text(bytes: bytes) }

  private static let mebibyte: UInt64 = 1 << 20
  var isWholeMebibytes: Bool { bytes % Self.mebibyte == 0 }
  /// QEMU's spelling: `512M`.
  var mebibytes: String { "\(bytes / Self.mebibyte)M" }
}

/// Encoded as a number of bytes.
extension MemorySize: Codable {
  /// Reads a number of bytes.
  public init(from decoder: any Decoder) throws {
    self.init(bytes: try decoder.singleValueContainer().decode(UInt64.self))
  }

  /// Writes the number of bytes.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(bytes)
  }
}
