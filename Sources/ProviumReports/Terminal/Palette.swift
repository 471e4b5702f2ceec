import ProviumSystem

/// The amount of detail on the terminal.
package enum Verbosity: String, Sendable, CaseIterable {
  /// Failures and the last line.
  case quiet
  /// Each file and sub-test.
  case normal
  /// Also the output of passing tests, and the activity of files.
  case verbose
}

/// `--color`.
package enum ColorChoice: String, Sendable, CaseIterable {
  case always, never, auto

  /// Whether to write colours. `auto` means: on a terminal that knows colours, unless the user has set
  /// `NO_COLOR` (no-color.org).
  package func isColoured(isTerminal: Bool, environment: (String) -> String? = { Environment[$0] }) -> Bool {
    switch self {
    case .always: true
    case .never: false
    case .auto: isTerminal && environment("NO_COLOR") == nil && environment("TERM") != "dumb"
    }
  }
}

/// Colours for cleaned text, or none.
package struct Palette: Sendable {
  /// Whether words get colours at all.
  package let isColoured: Bool

  /// Makes a palette; see `ColorChoice.isColoured`.
  package init(isColoured: Bool) { self.isColoured = isColoured }

  func good(_ text: String) -> String { paint("32", text) }
  func bad(_ text: String) -> String { paint("1;31", text) }
  func odd(_ text: String) -> String { paint("33", text) }
  func faint(_ text: String) -> String { paint("2", text) }
  func strong(_ text: String) -> String { paint("1", text) }

  private func paint(_ code: String, _ text: String) -> String {
    isColoured && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}
