import ProviumSystem

/// A time limit in force: whose it is, how long, until when.
struct TimeLimit {
  /// `the file's`, `the sub-test's`.
  let owner: String
  /// Before it was stretched.
  let length: Duration
  /// How many times longer everything takes here than with KVM.
  let scale: Double
  /// Moves on while a fixture is built, which is not the script's time.
  var deadline: Deadline

  /// Begins now.
  init(of owner: String, length: Duration, scale: Double) {
    self.owner = owner
    self.length = length
    self.scale = scale
    deadline = .after(length * scale)
  }

  /// `the file's time limit of 15s (5s × 3 without KVM)`.
  var description: String { Self.text(owner: owner, length: length, scale: scale) }

  static func text(owner: String, length: Duration, scale: Double) -> String {
    let stretched = "\(owner) time limit of \(Quantity.text(length * scale))"
    guard scale != 1 else { return stretched }
    let factor = (scale * 10).rounded() / 10
    let shown = factor == factor.rounded() ? "\(Int(factor))" : "\(factor)"
    return "\(stretched) (\(Quantity.text(length)) × \(shown) without KVM)"
  }
}
