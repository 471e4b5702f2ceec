/// Names of signals. The numbers are the same on every architecture of `Architecture.all`.
package enum SignalName {
  package static func number(_ name: String) -> Int32? { table.numbers[name].flatMap { Int32(exactly: $0) } }
  /// Returns `SIGKILL`, or `signal 40` for a signal without a name.
  package static func name(_ number: Int32) -> String { table.name(Int64(number)) ?? "signal \(number)" }

  private static let table = NameTable(SystemNumbers.signals)
}
