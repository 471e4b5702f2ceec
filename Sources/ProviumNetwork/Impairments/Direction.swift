/// One direction between two ports, with the state of its impairments. Belongs to the switch.
final class Direction {
  var source: FateSource
  /// Whether the direction has impairments of its own, not the network's.
  let isOwn: Bool
  /// The end of the last frame that the rate let through: nanoseconds.
  private var freeAt: UInt64 = 0
  /// The delivery of the last frame that kept its order.
  private var lastDelivery: UInt64 = 0
  /// The frames that wait for the rate.
  var waiting = 0

  init(_ source: FateSource, isOwn: Bool) {
    self.source = source
    self.isOwn = isOwn
  }

  /// The time at which a frame is delivered; nil when the queue of the rate is full.
  /// - Parameters:
  ///   - length: bytes.
  ///   - now: nanoseconds.
  func delivery(of length: Int, _ fate: FrameFate, now: UInt64) -> UInt64? {
    var time = now
    if let rate = source.impairment.rate {
      guard waiting < source.impairment.queue else { return nil }
      freeAt = max(freeAt, now) + UInt64(length) * 8 * 1_000_000_000 / rate
      time = freeAt
    }
    if fate.isEarly { return time }
    lastDelivery = max(lastDelivery, time + fate.delay)
    return lastDelivery
  }
}

/// Drops frames that match, or only the n-th of them.
final class DropRule {
  let from: PortNumber?
  let to: PortNumber?
  let filter: FrameFilter
  /// The number of the frame that is dropped, from 1; nil: all.
  let nth: Int?
  private(set) var matched = 0
  private(set) var dropped = 0

  init(from: PortNumber?, to: PortNumber?, filter: FrameFilter, nth: Int?) {
    self.from = from
    self.to = to
    self.filter = filter
    self.nth = nth
  }

  /// The rule between a save and a resume.
  struct Saved: Codable, Hashable, Sendable {
    let from: PortNumber?
    let to: PortNumber?
    let filter: FrameFilter
    let nth: Int?
    let matched: Int
  }

  var saved: Saved { Saved(from: from, to: to, filter: filter, nth: nth, matched: matched) }

  convenience init(_ saved: Saved) {
    self.init(from: saved.from, to: saved.to, filter: saved.filter, nth: saved.nth)
    matched = saved.matched
  }

  func drops(from: PortNumber, to: PortNumber, _ frame: UnsafeRawPointer, _ length: Int) -> Bool {
    guard self.from == nil || self.from == from, self.to == nil || self.to == to,
      filter.matches(frame, length)
    else { return false }
    matched += 1
    guard nth == nil || nth == matched else { return false }
    dropped += 1
    return true
  }
}
