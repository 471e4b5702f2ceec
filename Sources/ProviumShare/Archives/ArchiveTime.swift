/// Times in pax records.
enum ArchiveTime {
  /// `1700000000.123456789`, also below 0; nil for anything else.
  static func nanoseconds(_ value: [UInt8]) -> Int64? {
    guard let seconds = Double(String(decoding: value, as: UTF8.self)), seconds.magnitude < 9e9 else {
      return nil
    }
    let parts = value.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard seconds >= 0, parts.count == 2,
      let whole = Int64(String(decoding: parts[0], as: UTF8.self)),
      let part = Int64(
        String(decoding: (parts[1] + [UInt8](repeating: 0x30, count: 9)).prefix(9), as: UTF8.self)
      ), part >= 0
    else { return Int64(seconds * 1e9) }
    return whole * 1_000_000_000 + part
  }
}

extension Int64 {
  func multipliedSaturating(by factor: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? (self < 0 ? .min : .max) : product
  }
}
