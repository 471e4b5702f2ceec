import ProviumSystem

/// Text inside XML and HTML documents.
package enum MarkupText {
  /// Escapes text for XML 1.0, for content and for attributes between double quotes. Line ends and tabs
  /// survive in attributes. Characters that XML forbids become U+FFFD.
  package static func xml(_ text: String, isAttribute: Bool = false) -> String {
    let text = HarmlessText.clean(text, .xml)
    guard isAttribute else { return escaped(text, quotes: "") }
    // A parser turns line ends and tabs in attributes into spaces (XML 1.0 § 3.3.3), but not references to
    // them.
    return escaped(text, quotes: "\"").replacing("\n", with: "&#10;").replacing("\t", with: "&#9;")
  }

  /// Escapes text for HTML, for content and for attributes between quotes. Control characters are written by
  /// name: people read this text.
  package static func html(_ text: String) -> String {
    escaped(HarmlessText.clean(text, .named), quotes: "\"'")
  }

  /// Escapes everything that can begin or end markup, and `quotes`. Escaping `>` also keeps `]]>` out of XML
  /// content, where it is forbidden.
  private static func escaped(_ text: String, quotes: String) -> String {
    var result: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "<"): result.append(contentsOf: "&lt;".utf8)
      case UInt8(ascii: ">"): result.append(contentsOf: "&gt;".utf8)
      case UInt8(ascii: "&"): result.append(contentsOf: "&amp;".utf8)
      case UInt8(ascii: "\"") where quotes.utf8.contains(byte): result.append(contentsOf: "&quot;".utf8)
      case UInt8(ascii: "'") where quotes.utf8.contains(byte): result.append(contentsOf: "&#39;".utf8)
      default: result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
