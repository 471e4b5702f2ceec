/// Makes text of scripts, guests and kernels fit to be shown: such text can then neither move a terminal's cursor, nor
/// recolour it, nor reorder the line it is in.
package enum HarmlessText {
  /// The treatment of control characters and of the marks that change the direction of the text after them.
  package enum Policy: Sendable {
    /// Written as `\x07`, `\u{202E}`: nothing is hidden.
    case named
    /// Replaced by U+FFFD: for formats that cannot hold them, as XML.
    case replaced
    /// Left out.
    case removed
  }

  /// Removes escape sequences (ECMA-48: CSI, OSC, DCS …) and treats every other control character by `policy`. Line ends
  /// and tabs stay.
  package static func clean(_ text: String, _ policy: Policy = .named) -> String {
    // Nearly all text is harmless: look before building another.
    guard text.unicodeScalars.contains(where: { needsCare($0) }) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in withoutSequences(text).unicodeScalars {
      if !needsCare(scalar) {
        result.append(scalar)
        continue
      }
      switch policy {
      case .named: result.append(contentsOf: name(of: scalar).unicodeScalars)
      case .replaced: result.append("\u{FFFD}")
      case .removed: break
      }
    }
    return String(result)
  }

  /// Removes escape sequences and the carriage returns of line ends; everything else stays.
  package static func withoutSequences(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      if scalar == "\r", rest.isEmpty || rest.first == "\n" || rest.first == "\r" { continue }
      if scalar == "\u{1B}" || scalar == "\u{9B}" {
        skipSequence(after: scalar, &rest)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  /// Cleans a text and puts it on one line: line ends and tabs become spaces.
  package static func line(_ text: String) -> String {
    String(clean(text).map { $0 == "\n" || $0 == "\t" ? " " : $0 })
  }

  private static func needsCare(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A: false
    case 0..<0x20, 0x7F..<0xA0: true
    case _ where scalar.value & 0xFFFE == 0xFFFE: true
    case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
  }

  private static func name(of scalar: Unicode.Scalar) -> String {
    let hex = String(scalar.value, radix: 16, uppercase: true)
    return scalar.value < 0x100 ? "\\x" + (hex.count < 2 ? "0" : "") + hex.lowercased() : "\\u{\(hex)}"
  }

  /// Drops the rest of an escape sequence. One without an end is dropped to the end of its line, not of the text.
  private static func skipSequence(after start: Unicode.Scalar, _ rest: inout Substring.UnicodeScalarView) {
    let kind: Unicode.Scalar? = start == "\u{9B}" ? "[" : rest.first == "\n" ? nil : rest.popFirst()
    switch kind {
    case "[":
      while let next = rest.first, (0x20...0x3F).contains(next.value) { rest.removeFirst() }
      if let final = rest.first, (0x40...0x7E).contains(final.value) { rest.removeFirst() }
    case "]", "P", "X", "^", "_":
      while let next = rest.first, next != "\n" {
        rest.removeFirst()
        if next == "\u{07}" || next == "\u{9C}" { return }
        if next == "\u{1B}", rest.first == "\\" {
          rest.removeFirst()
          return
        }
      }
    case let kind? where (0x20...0x2F).contains(kind.value):
      while let next = rest.first, (0x20...0x2F).contains(next.value) { rest.removeFirst() }
      if let final = rest.first, (0x30...0x7E).contains(final.value) { rest.removeFirst() }
    default: break
    }
  }
}
