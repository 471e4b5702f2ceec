/// Frames that are delivered later, in the order of their times; frames of one time in the order in which they came.
struct DelayQueue {
  struct Entry {
    let time: UInt64
    let order: UInt64
    let from: PortNumber
    let to: PortNumber
    let frame: FramePool.Frame
    /// Whether the frame counts as one that waits for the rate of its direction.
    let isRated: Bool
  }
  private var heap: [Entry] = []
  private var count: UInt64 = 0
  static let capacity = 65536

  init() { heap.reserveCapacity(1024) }

  var isFull: Bool { heap.count >= Self.capacity }
  /// The time of the first frame: nanoseconds of the monotonic clock.
  var nextTime: UInt64? { heap.first?.time }

  mutating func add(
    _ frame: FramePool.Frame,
    at time: UInt64,
    from: PortNumber,
    to: PortNumber,
    isRated: Bool
  ) {
    count += 1
    heap.append(Entry(time: time, order: count, from: from, to: to, frame: frame, isRated: isRated))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard Self.isBefore(heap[child], heap[parent]) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// Removes and returns the first frame if its time has come.
  mutating func pop(until now: UInt64) -> Entry? {
    guard let first = heap.first, first.time <= now else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && Self.isBefore(heap[child], heap[least]) {
        least = child
      }
      guard least != parent else { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }

  private static func isBefore(_ left: Entry, _ right: Entry) -> Bool {
    left.time != right.time ? left.time < right.time : left.order < right.order
  }
}
