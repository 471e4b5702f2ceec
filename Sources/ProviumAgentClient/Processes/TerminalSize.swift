/// The size of a terminal, in characters.
public struct TerminalSize: Hashable, Sendable {
  /// The number of characters in a row.
  public let columns: UInt16
  /// The number of rows.
  public let rows: UInt16

  /// 80 columns and 24 rows.
  public static let standard = TerminalSize(wide: 80, high: 24)

  private init(wide: UInt16, high: UInt16) {
    columns = wide
    rows = high
  }

  /// Creates a size.
  /// - Throws: an error that names the limits, for a side of 0 or more than 65,535 characters.
  public init(columns: Int, rows: Int) throws {
    guard let wide = UInt16(exactly: columns), let high = UInt16(exactly: rows), wide > 0, high > 0 else {
      throw InvalidArgument(
        .terminal,
        "a size of \(columns)x\(rows); columns and rows are from 1 to \(UInt16.max)"
      )
    }
    self.init(wide: wide, high: high)
  }
}
