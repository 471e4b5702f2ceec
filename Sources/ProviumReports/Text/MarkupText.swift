import ProviumSystem

/// Text inside XML and HTML.
package enum MarkupText {
  /// For XML 1.0, in content and in attributes between double quotes: escape sequences of terminals go, characters that
  /// XML forbids are U+FFFD, line ends and tabs in attributes survive.
  package static func xml(_ text: String, isAttribute: Bool = false) -> String {
    var result = String.UnicodeScalarView()
    for scalar in withoutSequences(text).unicodeScalars {
      switch scalar {
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      // Also keeps `]]>` out of content, where XML forbids it.
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "\"" where isAttribute: result.append(contentsOf: "&quot;".unicodeScalars)
      case "\n" where isAttribute: result.append(contentsOf: "&#10;".unicodeScalars)
      case "\t" where isAttribute: result.append(contentsOf: "&#9;".unicodeScalars)
      case "\n", "\t": result.append(scalar)
      default: result.append(isForbidden(scalar) ? "\u{FFFD}" : scalar)
      }
    }
    return String(result)
  }

  /// For HTML, in content and in attributes between double quotes. Made harmless first: a report is read by people.
  package static func html(_ text: String) -> String {
    var result = ""
    for scalar in HarmlessText.clean(text).unicodeScalars {
      switch scalar {
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(isForbidden(scalar) ? "\u{FFFD}" : scalar)
      }
    }
    return result
  }

  private static func withoutSequences(_ text: String) -> String {
    text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{9B}" || $0 == "\r" }
      ? HarmlessText.withoutSequences(text) : text
  }

  /// Outside `Char` of XML 1.0 § 2.2, or discouraged there (C1).
  private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x20..<0x7F: false
    case 0..<0x20, 0x7F..<0xA0: true
    default: scalar.value & 0xFFFE == 0xFFFE || (0xFDD0...0xFDEF).contains(scalar.value)
    }
  }
}
