import ProviumSystem

/// The lines of the live area: a pure function of the state, the time, and the terminal's size.
package struct LiveArea: Sendable {
  /// Colours, or none.
  package let palette: Palette

  /// Makes an area in these colours.
  package init(palette: Palette) { self.palette = palette }

  /// Uses at most a third of the rows, and never the last column: a line that fills it wraps on some
  /// terminals.
  package func lines(_ state: LiveState, at now: Double, columns: Int, rows: Int) -> [String] {
    guard state.hasStarted, !state.hasEnded else { return [] }
    let width = max(10, columns - 1)
    let room = max(1, min(12, rows / 3))
    let shown = state.running.count <= room ? state.running[...] : state.running.prefix(room - 1)
    let nameWidth = shown.map { DisplayWidth.of(HarmlessText.line($0.file)) }.max() ?? 0
    var lines = shown.map { line($0, nameWidth: min(nameWidth, width / 2), width: width, at: now) }
    if shown.count < state.running.count {
      lines.append(
        palette.faint(DisplayWidth.fitted("    and \(state.running.count - shown.count) more", width))
      )
    }
    if state.total > 0 {
      lines.append(palette.strong(DisplayWidth.fitted("  \(status(state, at: now))", width)))
    }
    return lines
  }

  private func line(_ running: LiveState.Running, nameWidth: Int, width: Int, at now: Double) -> String {
    let time = Amount.clock(seconds: now - running.started)
    let name =
      running.file.isEmpty ? "" : DisplayWidth.padded(HarmlessText.line(running.file), nameWidth) + "  "
    let start = "  \(spinner(now)) \(name)"
    let room = width - DisplayWidth.of(start) - time.count - 2
    let doing = DisplayWidth.padded(HarmlessText.line(text(of: running)), max(0, room))
    return palette.faint(DisplayWidth.fitted("\(start)\(doing)  \(time)", width))
  }

  private func text(of running: LiveState.Running) -> String {
    if running.isWaiting { return "waits for memory and processors" }
    if running.subTest.isEmpty || running.activity == "test \(running.subTest)" || running.activity.isEmpty {
      return running.activity.isEmpty
        ? (running.subTest.isEmpty ? "starting" : "test \(running.subTest)") : running.activity
    }
    return running.activity.hasPrefix("test ")
      ? "test \(running.subTest)" : "\(running.subTest): \(running.activity)"
  }

  /// A picture that changes ten times a second.
  private func spinner(_ now: Double) -> Character {
    let frames: [Character] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
    return frames[Int(max(0, min(now, 1e9)) * 10) % frames.count]
  }

  private func status(_ state: LiveState, at now: Double) -> String {
    // With --repeat there are more than the header named.
    let total = max(state.total, state.done + state.running.count)
    var parts = ["\(state.done)/\(Amount.count(total, "file"))"]
    if state.failed > 0 { parts.append("\(state.failed) failed") }
    if !state.memory.isEmpty {
      let bytes = state.memory.values.reduce(0) { $0 &+ $1 }
      parts.append("\(Amount.count(state.memory.count, "VM")), \(Amount.text(bytes: bytes))")
    }
    parts.append(Amount.clock(seconds: now))
    if let left = state.remaining(at: now), left >= 1 {
      parts.append("about \(Amount.clock(seconds: left.rounded())) left")
    }
    return parts.joined(separator: " · ")
  }
}
