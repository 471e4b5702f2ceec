/// A queue of frames with a fixed capacity.
struct FrameRing {
  private var frames: [FramePool.Frame?]
  private var start = 0
  private(set) var count = 0

  init(capacity: Int) { frames = Array(repeating: nil, count: capacity) }

  var isFull: Bool { count == frames.count }
  var first: FramePool.Frame? { count == 0 ? nil : frames[start] }

  /// Appends a frame. The ring must not be full.
  mutating func append(_ frame: FramePool.Frame) {
    frames[(start + count) % frames.count] = frame
    count += 1
  }

  mutating func popFirst() -> FramePool.Frame? {
    guard count > 0 else { return nil }
    let frame = frames[start]
    frames[start] = nil
    start = (start + 1) % frames.count
    count -= 1
    return frame
  }
}
