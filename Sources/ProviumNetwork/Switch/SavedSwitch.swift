/// The state of a switch between a save and a resume, without its ports and counts.
package struct SavedSwitch: Codable, Hashable, Sendable {
  /// One direction with impairments of its own, and how many frames it has decided about.
  struct SavedDirection: Codable, Hashable, Sendable {
    let from: PortNumber
    let to: PortNumber
    let source: FateSource
  }

  var common: Impairment?
  var directions: [SavedDirection] = []
  /// The groups of a partition; empty: none.
  var groups: [[PortNumber]] = []
  var rules: [DropRule.Saved] = []
}

/// A frame that was on its way to a port when its network was saved.
package struct FrameInFlight: Hashable, Sendable {
  package let from: PortNumber
  package let to: PortNumber
  /// Nanoseconds until its delivery.
  package let delay: UInt64
  package let bytes: [UInt8]

  /// The layout in a file, all numbers little-endian: from u32 | to u32 | delay u64 | length u32 | bytes.
  private static let headerSize = 20

  package static func encode(_ frames: [FrameInFlight]) -> [UInt8] {
    var result: [UInt8] = []
    for frame in frames {
      append(UInt32(frame.from.rawValue), to: &result)
      append(UInt32(frame.to.rawValue), to: &result)
      append(frame.delay, to: &result)
      append(UInt32(frame.bytes.count), to: &result)
      result += frame.bytes
    }
    return result
  }

  /// nil: the bytes are not what `encode` makes.
  package static func decode(_ bytes: [UInt8]) -> [FrameInFlight]? {
    var frames: [FrameInFlight] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      guard rest.count >= headerSize else { return nil }
      let (from, to) = (UInt32(readingFrom: &rest), UInt32(readingFrom: &rest))
      let (delay, length) = (UInt64(readingFrom: &rest), UInt32(readingFrom: &rest))
      guard from > 0, to > 0, length <= FrameSize.largest, rest.count >= Int(length) else { return nil }
      frames.append(
        FrameInFlight(
          from: PortNumber(Int(from)),
          to: PortNumber(Int(to)),
          delay: delay,
          bytes: Array(rest.prefix(Int(length)))
        )
      )
      rest = rest.dropFirst(Int(length))
    }
    return frames
  }

  private static func append<Value: FixedWidthInteger>(_ value: Value, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
}

extension FixedWidthInteger {
  /// Removes a little-endian number from the beginning of bytes, which are enough.
  fileprivate init(readingFrom bytes: inout ArraySlice<UInt8>) {
    var value: Self = 0
    for (index, byte) in bytes.prefix(MemoryLayout<Self>.size).enumerated() {
      value |= Self(byte) << Self(8 * index)
    }
    self = value
    bytes = bytes.dropFirst(MemoryLayout<Self>.size)
  }
}
