/// The effects of a direction of a network on its frames. Every probability is from 0 to 1.
package struct Impairment: Hashable, Sendable, Codable {
  /// The time from a frame's arrival to its delivery.
  package var delay = Duration.zero
  /// The delay varies by up to this much in both directions. Frames keep their order.
  package var jitter = Duration.zero
  package var loss = 0.0
  package var burst: BurstLoss?
  package var duplicate = 0.0
  /// The probability that a frame skips the delay, and so overtakes those that wait. Needs a delay.
  package var reorder = 0.0
  /// The probability that one bit after the Ethernet header is inverted.
  package var corrupt = 0.0
  /// Bits in a second; nil: no limit.
  package var rate: UInt64?
  /// The largest number of frames that wait for the rate.
  package var queue = 1000
  /// Frames with a larger payload are dropped without notice, as by a path whose MTU nobody reports.
  package var mtu: Int?
  /// Drops everything.
  package var isCut = false
  package var seed: UInt64 = 1

  package init() {}

  /// The first setting that is not acceptable; nil if all are.
  package var problem: String? {
    for (name, value) in [
      ("loss", loss), ("duplicate", duplicate), ("reorder", reorder), ("corrupt", corrupt),
    ]
    where !(0...1).contains(value) {
      return "\(name) must be from 0 to 1, got \(value)"
    }
    if delay < .zero || delay > Self.longest || jitter < .zero || jitter > Self.longest {
      return "delay and jitter must be from 0 to 60 seconds"
    }
    if reorder > 0, delay == .zero { return "reorder needs a delay: a frame overtakes those that wait" }
    if let rate, rate < 1000 { return "rate must be at least 1000 bits in a second, got \(rate)" }
    if !(1...65536).contains(queue) { return "queue must be from 1 to 65536 frames, got \(queue)" }
    if let mtu, !(0...65535).contains(mtu) { return "mtu must be from 0 to 65535, got \(mtu)" }
    return burst?.problem
  }

  private static let longest = Duration.seconds(60)
}

/// Losses in bursts: the model of Gilbert and Elliott, with a good and a bad state.
package struct BurstLoss: Hashable, Sendable, Codable {
  /// The probability, for each frame, of the change from good to bad.
  package var enter: Double
  /// The probability, for each frame, of the change from bad to good.
  package var leave: Double
  /// The loss in the bad state.
  package var loss: Double
  /// The loss in the good state.
  package var goodLoss: Double

  package init(enter: Double, leave: Double, loss: Double = 1, goodLoss: Double = 0) {
    self.enter = enter
    self.leave = leave
    self.loss = loss
    self.goodLoss = goodLoss
  }

  var problem: String? {
    [enter, leave, loss, goodLoss].allSatisfy((0...1).contains)
      ? nil : "the probabilities of a burst must be from 0 to 1"
  }
}
