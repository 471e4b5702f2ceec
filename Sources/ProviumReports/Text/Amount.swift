import Glibc
import ProviumSystem

/// Durations, times and counts as reports show them. None of these functions traps, whatever number a file
/// contains.
package enum Amount {
  /// `250ms`, `2.9s`, `1m 12s`.
  package static func text(seconds: Double) -> String {
    Quantity.text(.nanoseconds(Int64(bounded(seconds) * 1e9)))
  }

  /// `1m 12s`, without tenths: for running clocks.
  package static func clock(seconds: Double) -> String {
    let whole = bounded(seconds).rounded(.down)
    return whole < 60 ? "\(Int(whole))s" : text(seconds: whole)
  }

  /// `512M`.
  package static func text(bytes: UInt64) -> String { Quantity.text(bytes: bytes) }

  /// `0.123`: a number with `digits` decimals, without exponent.
  package static func decimal(_ value: Double, digits: Int = 3) -> String {
    let scale = pow(10, Double(digits))
    let number = Int64((bounded(value) * scale).rounded())
    guard digits > 0 else { return "\(number)" }
    let fraction = "\(number % Int64(scale))"
    return "\(number / Int64(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
  }

  /// `2026-03-01T12:00:00`, UTC.
  package static func timestamp(_ secondsSince1970: Double) -> String {
    var time = time_t(bounded(secondsSince1970))
    var parts = tm()
    gmtime_r(&time, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
      + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }

  /// `1 test`, `2 tests`.
  package static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }

  /// Limits a value to the range that the calendar and 64 bits of nanoseconds can hold.
  private static func bounded(_ value: Double) -> Double { value > 0 ? min(value, 9e9) : 0 }
}
