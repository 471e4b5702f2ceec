/// The time stamp with which a kernel begins each line that it prints on the console: `[   12.345678] text`, or with
/// CONFIG_PRINTK_CALLER `[   12.345678][  T123] text`. A program's line has none.
enum KernelStamp {
  /// A line's stamp and the text after it.
  struct Split: Hashable {
    /// Since the guest's boot. Equal to the time of the record in the kernel log.
    let microseconds: UInt64
    let text: Substring
  }

  /// The longest stamp. Without a limit a line of nothing but `[` would cost its length squared.
  private static let longest = 32

  /// Splits a line at its first stamp. A program may have written on the line before the kernel did.
  /// - Returns: nil for a line without a stamp.
  static func split(_ line: Substring) -> Split? {
    var rest = line.utf8[...]
    while let open = rest.firstIndex(of: UInt8(ascii: "[")) {
      rest = rest[open...].dropFirst()
      guard let close = rest.prefix(longest).firstIndex(of: UInt8(ascii: "]")),
        let time = microseconds(rest[..<close])
      else { continue }
      var text = rest[close...].dropFirst()
      if text.first == UInt8(ascii: "["), let end = text.prefix(longest).firstIndex(of: UInt8(ascii: "]")),
        isCaller(text[..<end].dropFirst())
      {
        text = text[end...].dropFirst()
      }
      return Split(microseconds: time, text: Substring(text.drop { $0 == UInt8(ascii: " ") }))
    }
    return nil
  }

  /// The text of a line after its stamp, if it has one.
  static func textAfter(_ line: String) -> Substring {
    split(line[...])?.text ?? line.drop { $0 == " " }
  }

  /// The stamp that the kernel prints for a time: `[   12.345678]`.
  static func text(_ microseconds: UInt64) -> String {
    let (seconds, fraction) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    return "[\(padded(seconds, " ", to: 5)).\(padded(fraction, "0", to: 6))]"
  }

  private static func padded(_ number: UInt64, _ fill: Character, to width: Int) -> String {
    let digits = String(number)
    return String(repeating: fill, count: max(0, width - digits.utf8.count)) + digits
  }

  /// Parses `  12.345678`.
  private static func microseconds(_ text: Substring.UTF8View) -> UInt64? {
    let parts = text.drop { $0 == UInt8(ascii: " ") }
      .split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isDigit) }),
      let seconds = UInt64(String(Substring(parts[0]))), seconds < 1 << 40
    else { return nil }
    var fraction: UInt64 = 0
    for digit in (Array(parts[1]) + Array(repeating: UInt8(ascii: "0"), count: 6)).prefix(6) {
      fraction = fraction * 10 + UInt64(digit - UInt8(ascii: "0"))
    }
    return seconds * 1_000_000 + fraction
  }

  /// Whether the text is `  T123`, a thread, or `  C1`, a processor.
  private static func isCaller(_ text: Substring.UTF8View) -> Bool {
    let name = text.drop { $0 == UInt8(ascii: " ") }
    return (name.first == UInt8(ascii: "T") || name.first == UInt8(ascii: "C"))
      && name.dropFirst().allSatisfy(isDigit)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
