package import ProviumSystem

extension HarmlessText {
  /// The cleaned lines of a text, without empty lines at the end. Tabs become spaces, up to the next multiple
  /// of eight columns.
  package static func lines(_ text: String) -> [String] {
    var lines = clean(text).split(separator: "\n", omittingEmptySubsequences: false).map { untabbed($0) }
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  private static func untabbed(_ line: some StringProtocol) -> String {
    guard line.contains("\t") else { return String(line) }
    var result = ""
    var column = 0
    for character in line {
      let width = character == "\t" ? 8 - column % 8 : DisplayWidth.of(character)
      result += character == "\t" ? String(repeating: " ", count: width) : String(character)
      column += width
    }
    return result
  }
}
