/// A place in a script: the path as the run shows it, and a line.
package struct ScriptLocation: Sendable, Codable, Hashable, CustomStringConvertible {
  package let file: String
  /// Counted from 1.
  package let line: Int

  package init(file: String, line: Int) {
    self.file = file
    self.line = line
  }
  /// `tests/token.lua:14`.
  package var description: String { "\(file):\(line)" }
}
