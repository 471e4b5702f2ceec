/// Text that test runners write into their JUnit files. They escape neither names nor control characters in messages, so both
/// are made harmless here.
package enum XMLText {
  /// A message: no control characters but line ends and tabs, no terminal escapes.
  package static func clean(_ text: String) -> String {
    var result = ""
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      switch scalar.value {
      case 0x1b:
        // A terminal's escape sequence: `ESC [ … letter`.
        if rest.first == "[" {
          rest.removeFirst()
          while let next = rest.popFirst(), !(0x40...0x7e).contains(next.value) {}
        }
      case 0x09, 0x0a: result.unicodeScalars.append(scalar)
      case 0x00...0x1f, 0x7f, 0xfffe, 0xffff: result += "�"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A test's name: also without what would end an attribute.
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
