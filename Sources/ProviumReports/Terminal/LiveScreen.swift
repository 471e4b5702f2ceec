import ProviumSystem

/// Which bytes bring a terminal from one live area to the next. Pure: it knows what stands on the screen, and writes
/// nothing itself. No mode of the terminal is changed, so that nothing is left to restore when the process is killed.
package struct LiveScreen: Sendable {
  private var shown: [String] = []

  /// An empty screen.
  package init() {}

  /// Writes `above` into what scrolls, and `area` below it. Lines that stay the same are not written.
  package mutating func update(above: [String] = [], area: [String], columns: Int) -> String {
    if above.isEmpty, area == shown { return "" }
    let old = shown
    shown = area
    // A line that was as wide as the terminal is broken in two when the terminal gets narrower.
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
    // Between these marks a terminal that knows them draws nothing (synchronised output): no flicker.
    return "\u{1B}[?2026h\(text)\u{1B}[?2026l"
  }

  private func rows(of line: String, _ columns: Int) -> Int {
    max(1, (DisplayWidth.of(HarmlessText.clean(line)) + columns - 1) / max(1, columns))
  }
}
