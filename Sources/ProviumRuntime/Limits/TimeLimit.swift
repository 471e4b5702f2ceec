package import ProviumSystem

/// A time limit in force: its owner, its length, and when it ends.
package struct TimeLimit: Sendable {
  /// `the file's`, `the sub-test's`.
  let owner: String
  /// Before it was multiplied.
  let length: Duration
  /// The timeout multiplier: how many times longer everything takes here than with KVM.
  let multiplier: Double
  /// Moves while a fixture is built: that time does not count.
  package var deadline: Deadline

  /// Begins now.
  package init(of owner: String, length: Duration, multiplier: Double) {
    self.owner = owner
    self.length = length
    self.multiplier = multiplier
    deadline = .after(length * multiplier)
  }

  /// `the file's time limit of 15s (5s × 3 without KVM)`.
  package var description: String { Self.text(owner: owner, length: length, multiplier: multiplier) }

  static func text(owner: String, length: Duration, multiplier: Double) -> String {
    let total = "\(owner) time limit of \(Quantity.text(length * multiplier))"
    guard multiplier != 1 else { return total }
    let factor = (multiplier * 10).rounded() / 10
    let shown = factor == factor.rounded() ? "\(Int(factor))" : "\(factor)"
    return "\(total) (\(Quantity.text(length)) × \(shown) without KVM)"
  }
}
