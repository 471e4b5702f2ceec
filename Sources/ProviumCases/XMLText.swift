import ProviumSystem

/// Text for JUnit files that test runners write. The runners escape neither names nor control characters in messages, so both
/// are cleaned here.
package enum XMLText {
  /// Cleans a message: removes terminals' escape sequences, replaces characters that XML forbids.
  package static func clean(_ text: String) -> String { HarmlessText.clean(text, .xml) }

  /// Cleans a test's name: also replaces characters that end an attribute.
  package static func name(_ text: String) -> String {
    // Nearly every name; a debug build walks slowly over characters.
    if text.utf8.allSatisfy({
      $0 >= 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x26 && $0 != 0x3c && $0 != 0x3e
    }) {
      return text
    }
    return harmless(text)
  }

  private static func harmless(_ text: String) -> String {
    String(
      clean(text).map { character in
        switch character {
        case "\"": "'"
        case "<": "‹"
        case ">": "›"
        case "&": "＆"
        case "\n", "\t", "\r\n": " "
        default: character
        }
      }
    )
  }
}
