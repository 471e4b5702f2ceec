/// A VM that was kept when its test failed.
package struct KeptVM: Sendable, Codable, Hashable {
  /// Names it in `provium open ID`.
  package var id: String
  /// `vm1 (default)`.
  package var machine: String
  /// `running`, `unresponsive` (its agent did not answer), `stopped` (its kernel had panicked, or it was off).
  package var condition: String

  package init(id: String, machine: String, condition: String) {
    self.id = id
    self.machine = machine
    self.condition = condition
  }
}
