import ProviumSystem

/// The table of a run on several kernels, for a terminal. Pure.
struct MatrixLines {
  let palette: Palette
  /// Only rows with failures are shown.
  let isQuiet: Bool

  /// Empty if no row is shown.
  func lines(of table: MatrixTable) -> [String] {
    let rows = table.rows.filter { !isQuiet || $0.hasFailed }
    guard !rows.isEmpty else { return [] }
    let titles = rows.map { $0.isSubTest ? "    · \($0.title)" : "  \($0.title)" }
    let first = titles.map(DisplayWidth.of).max() ?? 0
    let kernels = table.kernels.map(HarmlessText.line)
    let widths = kernels.indices.map { column in
      max(DisplayWidth.of(kernels[column]), rows.map { $0.cells[column].text.utf8.count }.max() ?? 0)
    }
    let head =
      Self.padded("", to: first)
      + kernels.indices.map { "  " + Self.padded(kernels[$0], to: widths[$0]) }.joined()
    return [palette.strong(Self.trimmed(head))]
      + zip(titles, rows).map { title, row in
        let last = row.cells.indices.last
        return Self.padded(title, to: first)
          + row.cells.indices.map { column in
            let cell = row.cells[column]
            let space =
              column == last ? "" : String(repeating: " ", count: widths[column] - cell.text.utf8.count)
            return "  " + coloured(cell) + space
          }.joined()
      }
  }

  private func coloured(_ cell: MatrixTable.Cell) -> String {
    switch cell.status {
    case .passed: palette.good(cell.text)
    case .failed: palette.bad(cell.text)
    case .todo, .skipped: palette.odd(cell.text)
    case .helper, .missing: palette.faint(cell.text)
    }
  }

  private static func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - DisplayWidth.of(text)))
  }

  private static func trimmed(_ line: String) -> String {
    String(line.reversed().drop { $0 == " " }.reversed())
  }
}
