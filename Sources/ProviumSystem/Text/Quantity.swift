/// Reading and writing of amounts with units: `512M`, `500ms`.
package enum Quantity {
  /// Parses a number of bytes: `512`, `64K`, `512M`, `2G`, `1T` (binary multiples; a following `B` or `iB` is
  /// ignored); nil for any other text.
  package static func bytes(_ text: String) -> UInt64? {
    let units: [(String, UInt64)] = [("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30), ("T", 1 << 40)]
    var rest = text.trimmed
    for suffix in ["iB", "B"] where rest.hasSuffix(suffix) {
      rest.removeLast(suffix.count)
      break
    }
    var factor: UInt64 = 1
    for (unit, value) in units where rest.uppercased().hasSuffix(unit) {
      factor = value
      rest.removeLast()
      break
    }
    return scaled(rest.trimmed, by: Double(factor)).flatMap { $0 < 1e19 ? UInt64($0) : nil }
  }

  /// Parses a duration: `500us`, `500ms`, `5s`, `2m`, `1h`; a bare number is seconds; nil for any other text.
  package static func duration(_ text: String) -> Duration? {
    let units: [(String, Double)] = [("us", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600)]
    let text = text.trimmed
    for (unit, seconds) in units where text.hasSuffix(unit) {
      let number = String(text.dropLast(unit.count)).trimmed
      guard number.last?.isNumber == true || number.last == "." else { continue }
      return scaled(number, by: seconds).flatMap { duration(seconds: $0) }
    }
    return scaled(text, by: 1).flatMap { duration(seconds: $0) }
  }

  /// Returns nil for a negative number, for one that is not a number, and for more than a century.
  package static func duration(seconds: Double) -> Duration? {
    guard seconds >= 0, seconds < 3.2e9 else { return nil }
    return .nanoseconds(Int64(min(seconds * 1e9, 9e18)))
  }

  private static func scaled(_ number: String, by factor: Double) -> Double? {
    guard let first = number.first, first.isASCII, first.isNumber || first == ".",
      let value = Double(number), value.isFinite
    else { return nil }
    return value * factor
  }

  /// Writes a number of bytes in the largest unit that fits, with at most one decimal: `512M`, `1.5G`.
  package static func text(bytes: UInt64) -> String {
    let units: [(String, UInt64)] = [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)]
    for (unit, size) in units where bytes >= size {
      if bytes % size == 0 { return "\(bytes / size)\(unit)" }
      return "\(bytes / size).\((bytes % size) * 10 / size)\(unit)"
    }
    return "\(bytes)"
  }

  /// Writes a duration: `0.4ms`, `250ms`, `2.9s`, `1m 12s`, `2h 5m`.
  package static func text(_ duration: Duration) -> String {
    let seconds = duration.inSeconds
    switch seconds {
    case ..<0.01: return "\(tenths(seconds * 1000))ms"
    case ..<1: return "\(Int((seconds * 1000).rounded()))ms"
    case ..<60: return "\(tenths(seconds))s"
    case ..<3600: return "\(Int(seconds) / 60)m \(Int(seconds) % 60)s"
    default: return "\(Int(seconds) / 3600)h \(Int(seconds) % 3600 / 60)m"
    }
  }

  private static func tenths(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}
