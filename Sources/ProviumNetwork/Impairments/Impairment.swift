/// The effects of a direction of a network on its frames. Every probability is from 0 to 1.
public struct Impairment: Hashable, Sendable, Codable {
  /// The time from a frame's arrival to its delivery.
  public var delay = Duration.zero
  /// The delay varies by up to this much in both directions. Frames keep their order.
  public var jitter = Duration.zero
  /// The probability that a frame is dropped.
  public var loss = 0.0
  /// Losses in bursts, besides `loss`.
  public var burst: BurstLoss?
  /// The probability that a frame is delivered twice.
  public var duplicate = 0.0
  /// The probability that a frame skips the delay, and so overtakes those that wait. Needs a delay.
  public var reorder = 0.0
  /// The probability that one bit after the Ethernet header is inverted.
  public var corrupt = 0.0
  /// Bits in a second; nil: no limit.
  public var rate: UInt64?
  /// The largest number of frames that wait for the rate.
  public var queue = 1000
  /// Frames with a larger payload are dropped without notice, as by a path whose MTU nobody reports.
  public var mtu: Int?
  /// Drops everything.
  public var isCut = false
  /// The seed of everything random: with the same seed, the n-th frame is always treated in the same way.
  public var seed: UInt64 = 1

  /// No effects.
  public init() {}

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
public struct BurstLoss: Hashable, Sendable, Codable {
  /// The probability, for each frame, of the change from good to bad.
  public var enter: Double
  /// The probability, for each frame, of the change from bad to good.
  public var leave: Double
  /// The loss in the bad state.
  public var loss: Double
  /// The loss in the good state.
  public var goodLoss: Double

  /// A model with these probabilities.
  public init(enter: Double, leave: Double, loss: Double = 1, goodLoss: Double = 0) {
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
