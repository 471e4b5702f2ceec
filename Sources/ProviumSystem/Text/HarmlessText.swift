/// Text of scripts, guests and kernels, made safe to show. The author of such text can neither move a
/// terminal's cursor, nor change its colours, nor reorder the line, nor break the markup around the text.
package enum HarmlessText {
  /// What happens to control characters other than line ends and tabs. Escape sequences are always removed.
  package enum Policy: Sendable {
    /// Control characters, and marks that change the direction of the text, are written as `\x07`,
    /// `\u{202E}`.
    case named
    /// Characters that XML 1.0 forbids (§ 2.2) or discourages become U+FFFD.
    case xml
    /// Control characters and line ends are removed; a tab becomes a space.
    case removed
  }

  /// Removes escape sequences (ECMA-48: CSI, OSC, DCS …) and treats control characters by `policy`.
  package static func clean(_ text: String, _ policy: Policy = .named) -> String {
    // Nearly all text is harmless ASCII, and a debug build walks slowly over scalars.
    let keepsLines = policy != .removed
    if text.utf8.allSatisfy({ ($0 >= 0x20 && $0 < 0x7F) || (keepsLines && ($0 == 0x0A || $0 == 0x09)) }) {
      return text
    }
    var result = String.UnicodeScalarView()
    for scalar in withoutSequences(text).unicodeScalars {
      switch policy {
      case .named, .xml:
        if let byte = PathText.byte(of: scalar) {
          result.append(contentsOf: name(of: Unicode.Scalar(byte)).unicodeScalars)
          continue
        }
      case .removed: break
      }
      switch policy {
      case .named where isDisruptive(scalar): result.append(contentsOf: name(of: scalar).unicodeScalars)
      case .xml where isForbiddenInXML(scalar): result.append("\u{FFFD}")
      case .removed where scalar == "\t": result.append(" ")
      case .removed where scalar == "\n" || isControl(scalar): break
      case .named, .xml, .removed: result.append(scalar)
      }
    }
    return String(result)
  }

  /// Cleans `text` and puts it on one line: line ends and tabs become spaces.
  package static func line(_ text: String) -> String {
    String(clean(text).map { $0 == "\n" || $0 == "\t" ? " " : $0 })
  }

  // MARK: Characters

  /// Whether `clean` with the policy `named` keeps the character.
  package static func isHarmless(_ scalar: Unicode.Scalar) -> Bool { !isDisruptive(scalar) }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A: false
    case 0..<0x20, 0x7F..<0xA0: true
    default: false
    }
  }

  private static func isNoncharacter(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value & 0xFFFE == 0xFFFE || (0xFDD0...0xFDEF).contains(scalar.value)
  }

  private static func isForbiddenInXML(_ scalar: Unicode.Scalar) -> Bool {
    isControl(scalar) || isNoncharacter(scalar)
  }

  /// Whether a terminal or a browser acts on the character instead of showing it.
  private static func isDisruptive(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    case 0x10FF80...0x10FFFF: true
    default: isControl(scalar) || isNoncharacter(scalar)
    }
  }

  private static func name(of scalar: Unicode.Scalar) -> String {
    let hex = String(scalar.value, radix: 16, uppercase: true)
    return scalar.value < 0x100 ? "\\x" + (hex.count < 2 ? "0" : "") + hex.lowercased() : "\\u{\(hex)}"
  }

  // MARK: Escape sequences

  /// Removes escape sequences, and the carriage returns of line ends.
  private static func withoutSequences(_ text: String) -> String {
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

  /// Skips the rest of an escape sequence. A sequence without an end ends with its line, not with the text.
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
