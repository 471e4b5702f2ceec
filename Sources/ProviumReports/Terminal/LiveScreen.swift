import ProviumSystem

/// The bytes that turn one live area on a terminal into the next. Pure: it remembers the lines on the screen,
/// and writes nothing itself. It changes no mode of the terminal, so that a killed process leaves nothing to
/// restore.
package struct LiveScreen: Sendable {
  private var shown: [String] = []

  /// An empty screen.
  package init() {}

  /// Returns the bytes that add `above` to the scrolling text and put `area` below it. Unchanged lines are
  /// not written.
  package mutating func update(above: [String] = [], area: [String], columns: Int) -> String {
    if above.isEmpty, area == shown { return "" }
    let old = shown
    shown = area
    // A line takes several rows after the terminal has become narrower.
    let oldRows = old.reduce(0) { $0 + rows(of: $1, columns) }
    var text = oldRows > 0 ? "\u{1B}[\(oldRows)A\r" : ""
    let isReflowed = oldRows != old.count
    if !above.isEmpty || isReflowed { text += "\u{1B}[J" }
    text += above.map { $0 + "\n" }.joined()
    for (index, line) in area.enumerated() {
      let isSame = above.isEmpty && !isReflowed && index < old.count && old[index] == line
      text += isSame ? "\n" : "\(line)\u{1B}[K\n"
    }
    if above.isEmpty, !isReflowed, area.count < old.count { text += "\u{1B}[J" }
    // Terminals with synchronised output draw everything between these marks at once, without flicker.
    return "\u{1B}[?2026h\(text)\u{1B}[?2026l"
  }

  private func rows(of line: String, _ columns: Int) -> Int {
    max(1, (DisplayWidth.of(HarmlessText.clean(line)) + columns - 1) / max(1, columns))
  }
}
