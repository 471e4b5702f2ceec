/// Describes the difference of two strings where showing both would not be clear.
package enum TextDifference {
  /// The description; nil if both strings are one line each and at most 120 bytes together, so that a message
  /// can show both.
  package static func describe(expected: [UInt8], actual: [UInt8]) -> String? {
    let newline = UInt8(ascii: "\n")
    let isText = ByteText.isPrintable(expected) && ByteText.isPrintable(actual)
    if isText, expected.dropLast().contains(newline) || actual.dropLast().contains(newline) {
      return lineDifference(expected, actual)
    }
    return expected.count + actual.count > 120 ? byteDifference(expected, actual) : nil
  }

  /// A string for a message: quoted, or on lines of its own if it has several.
  package static func excerpt(_ bytes: [UInt8], lines limit: Int = 40) -> String {
    guard ByteText.isPrintable(bytes), bytes.dropLast().contains(UInt8(ascii: "\n")) else {
      return ByteText.quotedWithHex(bytes, limit: 1000)
    }
    let lines = lines(of: bytes)
    let shown = lines.prefix(limit).map { "  | \($0)" }
    let rest = lines.count > limit ? ["  … \(lines.count - limit) more lines"] : []
    return "\(lines.count) lines:\n" + (shown + rest).joined(separator: "\n")
  }

  // MARK: Bytes

  private static func byteDifference(_ expected: [UInt8], _ actual: [UInt8]) -> String {
    let common = zip(expected, actual).prefix { $0 == $1 }.count
    let start = max(0, common - 16)
    func around(_ bytes: [UInt8]) -> String {
      let window = Array(bytes.dropFirst(start).prefix(48))
      let text = ByteText.quotedWithHex(window)
      return (start > 0 ? "…" : "") + text + (start + 48 < bytes.count ? "…" : "")
    }
    let lengths = expected.count == actual.count ? "" : ", lengths \(expected.count) and \(actual.count)"
    return """
      strings differ at byte \(common)\(lengths):
        expected \(around(expected))
        got      \(around(actual))
      """
  }

  // MARK: Lines

  private static func lineDifference(_ expected: [UInt8], _ actual: [UInt8]) -> String {
    let changes = LineDifference(lines(of: expected), lines(of: actual)).rendered(context: 2, limit: 60)
    if changes.isEmpty {
      return "texts differ only in the line end at their end: expected "
        + "\(ByteText.quoted(Array(expected.suffix(20)))), got \(ByteText.quoted(Array(actual.suffix(20))))"
    }
    return "texts differ (- expected, + got):\n" + changes.map { "  \($0)" }.joined(separator: "\n")
  }

  private static func lines(of bytes: [UInt8]) -> [String] {
    let newline = UInt8(ascii: "\n")
    let body = bytes.last == newline ? bytes.dropLast() : bytes[...]
    return body.split(separator: newline, omittingEmptySubsequences: false).map { line in
      let text = String(decoding: line, as: UTF8.self)
      return text.utf8.count > 300 ? String(text.prefix(300)) + "…" : text
    }
  }
}
