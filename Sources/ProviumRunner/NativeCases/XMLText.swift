import ProviumSystem

/// Makes text safe for the JUnit files of test runners, which escape neither names nor control characters in messages.
package enum XMLText {
  /// Cleans a message: keeps line ends and tabs, removes terminal escapes, replaces other control characters.
  package static func clean(_ text: String) -> String { HarmlessText.clean(text, .xml) }

  /// Cleans the name of a test: also replaces characters that would end an attribute.
  package static func name(_ text: String) -> String {
    // Nearly every name. A debug build is slow with characters.
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
