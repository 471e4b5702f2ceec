/// The number of columns that text takes on a terminal: wide characters (East Asian, emoji) take two,
/// combining marks none.
package enum DisplayWidth {
  /// The width of a text on one line.
  package static func of(_ text: some StringProtocol) -> Int { text.reduce(0) { $0 + of($1) } }

  /// The width of one character: 0, 1 or 2.
  package static func of(_ character: Character) -> Int {
    if let ascii = character.asciiValue { return ascii < 0x20 || ascii == 0x7F ? 0 : 1 }
    // An emoji sequence (variation selector 16, or several joined emoji) is one wide picture.
    return character.unicodeScalars.contains { $0.value == 0xFE0F || isWide($0) }
      ? 2 : character.unicodeScalars.contains { !isMark($0) } ? 1 : 0
  }

  /// Cuts text to at most `columns`. `…` shows that text was cut.
  package static func fitted(_ text: String, _ columns: Int) -> String {
    guard columns > 0 else { return "" }
    var result = ""
    var width = 0
    /// The place to cut if the text is too long: one column is left for the ellipsis.
    var cut = result.endIndex
    for character in text {
      let next = width + of(character)
      if width <= columns - 1 { cut = result.endIndex }
      if next > columns { return result[..<cut] + "…" }
      result.append(character)
      width = next
    }
    return result
  }

  /// Fills text with spaces, or cuts it, to exactly `columns`.
  package static func padded(_ text: String, _ columns: Int) -> String {
    let text = fitted(text, columns)
    return text + String(repeating: " ", count: max(0, columns - of(text)))
  }

  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: true
    default: false
    }
  }

  /// Unicode Standard Annex 11, classes W and F, by their large blocks.
  private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
      0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
      true
    default: scalar.properties.isEmojiPresentation
    }
  }
}
