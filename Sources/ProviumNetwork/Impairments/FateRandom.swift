/// Random numbers for one frame, a function of its key alone: SplitMix64 (Steele, Lea and Flood, 2014).
struct FateRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64, from: Int, to: Int, ordinal: UInt64) {
    state = 0
    for part in [seed, UInt64(from), UInt64(to), ordinal] {
      state = Self.mixed((state ^ part) &+ 0x9E37_79B9_7F4A_7C15)
    }
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mixed(state)
  }

  /// A number from 0, below 1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
