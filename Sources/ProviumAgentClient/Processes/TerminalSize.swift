/// The size of a terminal, in characters.
package struct TerminalSize: Hashable, Sendable {
  package let columns: UInt16
  package let rows: UInt16

  /// - Throws: `InvalidArgument` for a side of 0 or more than 65,535 characters.
  package init(columns: Int, rows: Int) throws {
    guard let wide = UInt16(exactly: columns), let high = UInt16(exactly: rows), wide > 0, high > 0 else {
      throw InvalidArgument(
        .terminal,
        "a size of \(columns)x\(rows); columns and rows are from 1 to \(UInt16.max)"
      )
    }
    self.columns = wide
    self.rows = high
  }
}
