package import ProviumSystem

/// A time limit in force: its owner, its length, and when it ends. Counts only the time in which the VMs could run.
package struct TimeLimit: Sendable {
  /// `the file's`, `the sub-test's`.
  let owner: String
  /// Before it was multiplied.
  let length: Duration
  /// The timeout multiplier.
  let multiplier: Double
  private let fair: FairDeadline

  /// Begins now.
  /// - Parameter sample: measures the VMs that the limit is for; see `FairDeadline`.
  package init(
    of owner: String,
    length: Duration,
    multiplier: Double,
    sample: @escaping @Sendable () -> ExecutionSample
  ) {
    self.owner = owner
    self.length = length
    self.multiplier = multiplier
    fair = FairDeadline(length: length * multiplier, sample: sample)
  }

  package var deadline: Deadline { fair.deadline }

  /// Moves the end: `nanoseconds` that have passed do not count, since the work was not allowed to run.
  func exclude(_ nanoseconds: UInt64) { fair.exclude(nanoseconds) }

  /// `the file's time limit of 15s (5s × 3, the timeout multiplier)`, and the time that was added to it.
  package var description: String {
    let text = Self.text(owner: owner, length: length, multiplier: multiplier)
    let added = fair.added
    return added < .milliseconds(100)
      ? text : "\(text), and \(Quantity.text(added)) more for a busy host,"
  }

  static func text(owner: String, length: Duration, multiplier: Double) -> String {
    let total = "\(owner) time limit of \(Quantity.text(length * multiplier))"
    guard multiplier != 1 else { return total }
    let factor = (multiplier * 10).rounded() / 10
    let shown = factor == factor.rounded() ? "\(Int(factor))" : "\(factor)"
    return "\(total) (\(Quantity.text(length)) × \(shown), the timeout multiplier)"
  }
}
