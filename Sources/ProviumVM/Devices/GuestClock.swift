import Glibc
import ProviumSystem

/// A clock of the guest that differs from the host's: one that starts at another time, or one that skips idle time.
///
/// A guest with such a clock keeps its own time in a snapshot; other guests get the host's time at each resume.
package struct GuestClock: MachineDevice {
  package static let kind = "clock"

  /// The real time at the start of the boot, in seconds since 1970; nil: the host's.
  package var initialTime: Int64?
  /// Whether the time during which the guest is idle passes at once. Needs emulation.
  package var isFast: Bool

  /// The times that a real-time clock with a two-digit year can hold: 2000-01-01 up to, not including, 2100-01-01.
  package static let initialTimes: Range<Int64> = 946_684_800..<4_102_444_800

  package init(initialTime: Int64? = nil, isFast: Bool = false) {
    self.initialTime = initialTime
    self.isFast = isFast
  }

  package func qemuArguments(_ context: DeviceContext) -> [String] {
    let base = initialTime.map { ["base=\(Self.dateTime($0))"] } ?? []
    // The real-time clock follows the guest's time, not the host's.
    let rtc = base + (isFast ? ["clock=vm"] : [])
    return (rtc.isEmpty ? [] : ["-rtc", rtc.joined(separator: ",")])
      // 8 ns for each instruction; with sleep=off an idle guest's next timer expires at once.
      + (isFast ? ["-icount", "shift=3,sleep=off"] : [])
  }

  /// A point in time as QEMU's `-rtc base=` takes it, in UTC: `2030-01-31T23:59:59`.
  static func dateTime(_ seconds: Int64) -> String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 32)
    let length = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
    return String(decoding: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Reads `2030-01-31` or `2030-01-31T23:59:59`, in UTC.
  /// - Returns: seconds since 1970; nil for any other text.
  package static func seconds(of text: String) -> Int64? {
    let halves = text.split(separator: "T", omittingEmptySubsequences: false)
    let numbers = zip(halves, ["-", ":"]).flatMap { half, separator in
      half.split(separator: Character(separator), omittingEmptySubsequences: false).map { Int32($0) }
    }
    guard halves.count <= 2, numbers.count == halves.count * 3 else { return nil }
    let known = numbers.compactMap(\.self)
    guard known.count == numbers.count, known.allSatisfy({ (0...9999).contains($0) }) else { return nil }
    var parts = tm()
    (parts.tm_year, parts.tm_mon, parts.tm_mday) = (known[0] - 1900, known[1] - 1, known[2])
    if known.count == 6 { (parts.tm_hour, parts.tm_min, parts.tm_sec) = (known[3], known[4], known[5]) }
    let seconds = Int64(timegm(&parts))
    // timegm makes the second of March of 2030-02-30.
    return dateTime(seconds).hasPrefix(text) ? seconds : nil
  }
}
