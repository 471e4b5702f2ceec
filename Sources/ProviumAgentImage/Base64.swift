/// Base64 (RFC 4648, section 4) of text that our own build has written: no line breaks, padded, known to be good.
///
/// Not Foundation's: the command line would load that library for this alone.
enum Base64 {
  static func decode(_ text: StaticString) -> [UInt8] {
    text.withUTF8Buffer { input in
      let padding = input.suffix(2).count { $0 == UInt8(ascii: "=") }
      let size = input.count / 4 * 3 - padding
      return [UInt8](unsafeUninitializedCapacity: input.count / 4 * 3) { output, count in
        for group in 0..<input.count / 4 {
          var bits: UInt32 = 0
          for digit in 0..<4 { bits = bits << 6 | UInt32(values[Int(input[group * 4 + digit])]) }
          output.initializeElement(at: group * 3, to: UInt8(truncatingIfNeeded: bits >> 16))
          output.initializeElement(at: group * 3 + 1, to: UInt8(truncatingIfNeeded: bits >> 8))
          output.initializeElement(at: group * 3 + 2, to: UInt8(truncatingIfNeeded: bits))
        }
        count = size
      }
    }
  }

  /// The six bits of each digit, by its ASCII code; padding counts as zero.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 0, count: 256)
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    alphabet.withUTF8Buffer { digits in
      for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
    }
    return values
  }()
}

/// Pairs of lower-case hexadecimal digits to bytes.
enum Hex {
  static func decode(_ text: StaticString) -> [UInt8] {
    text.withUTF8Buffer { digits in
      stride(from: 0, to: digits.count - 1, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
    }
  }

  private static func value(_ digit: UInt8) -> UInt8 {
    digit >= UInt8(ascii: "a") ? digit - UInt8(ascii: "a") + 10 : digit - UInt8(ascii: "0")
  }
}
