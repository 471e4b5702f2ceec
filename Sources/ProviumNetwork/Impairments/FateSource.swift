/// Decides the fate of each frame of one direction. The n-th frame of a direction always has the same fate for the same
/// seed, whenever it comes.
package struct FateSource: Hashable, Sendable, Codable {
  package let impairment: Impairment
  private let from: Int
  private let to: Int
  /// The number of frames so far.
  package private(set) var ordinal: UInt64 = 0
  private var isBad = false

  package init(_ impairment: Impairment, from: PortNumber, to: PortNumber) {
    self.impairment = impairment
    self.from = from.rawValue
    self.to = to.rawValue
  }

  /// Decides the fate of the next frame.
  /// - Parameter length: bytes with the Ethernet header.
  package mutating func next(length: Int) -> FrameFate {
    ordinal += 1
    var random = FateRandom(seed: impairment.seed, from: from, to: to, ordinal: ordinal)
    // Every number is drawn for every frame, in this order: a setting does not change the meaning of the others' numbers.
    let (loss, change, burst, corrupt) = (random.unit(), random.unit(), random.unit(), random.unit())
    let (place, reorder, jitter, duplicate) = (random.next(), random.unit(), random.unit(), random.unit())
    var fate = FrameFate()
    if impairment.isCut { fate.drop = .cut }
    if let model = impairment.burst {
      if change < (isBad ? model.leave : model.enter) { isBad.toggle() }
      if burst < (isBad ? model.loss : model.goodLoss) { fate.drop = fate.drop ?? .lost }
    }
    if loss < impairment.loss { fate.drop = fate.drop ?? .lost }
    if let mtu = impairment.mtu, length - FrameSize.header > mtu { fate.drop = fate.drop ?? .tooLarge }
    if corrupt < impairment.corrupt, length > FrameSize.header {
      fate.invertedBit = FrameSize.header * 8 + Int(place % UInt64((length - FrameSize.header) * 8))
    }
    fate.isEarly = reorder < impairment.reorder
    if !fate.isEarly {
      let span = impairment.jitter.nanosecondCount
      let shift = span == 0 ? 0 : Int64((jitter * 2 - 1) * Double(span))
      fate.delay = UInt64(max(0, Int64(impairment.delay.nanosecondCount) + shift))
    }
    fate.isDuplicated = duplicate < impairment.duplicate
    return fate
  }
}

/// The fate of one frame on its way through one direction.
package struct FrameFate: Hashable, Sendable {
  package var drop: DropCause?
  /// Counted from the first bit of the frame; nil: the frame stays as it is.
  package var invertedBit: Int?
  /// Nanoseconds.
  package var delay: UInt64 = 0
  /// The frame overtakes those that wait.
  package var isEarly = false
  package var isDuplicated = false
}

extension Duration {
  /// Whole nanoseconds; 0 for a negative duration.
  var nanosecondCount: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }
}
