/// The places that blocks of a disk have in a file. A value; takes memory only for the parts of the disk that have places.
struct BlockPlaces: Sendable {
  /// Blocks of one chunk: 16 MiB of the disk.
  private static let chunkLength = 4096

  /// For each block its place and 1 more, in blocks of the file; 0: none.
  private var chunks: [[UInt32]?]
  /// The chunks that are not nil, in no order.
  private var used: [Int] = []

  /// - Parameter count: blocks.
  init(count: Int) {
    chunks = Array(repeating: nil, count: (count + Self.chunkLength - 1) / Self.chunkLength)
  }

  /// The place of a block, in blocks of the file; nil: it has none.
  subscript(block: Int) -> Int? {
    guard let chunk = chunks[block / Self.chunkLength] else { return nil }
    let place = chunk[block % Self.chunkLength]
    return place == 0 ? nil : Int(place) - 1
  }

  /// Gives blocks places, one after the other.
  mutating func set(_ blocks: Range<Int>, from place: Int) {
    var block = blocks.lowerBound
    while block < blocks.upperBound {
      let index = block / Self.chunkLength
      let end = min(blocks.upperBound, (index + 1) * Self.chunkLength)
      if chunks[index] == nil {
        chunks[index] = [UInt32](repeating: 0, count: Self.chunkLength)
        used.append(index)
      }
      for number in block..<end {
        chunks[index]?[number % Self.chunkLength] = UInt32(place + number - blocks.lowerBound + 1)
      }
      block = end
    }
  }

  /// Calls `body` with each run of blocks that are one after the other in the file too, and its place; nil: they have none.
  func forEachRun(in blocks: Range<Int>, _ body: (Range<Int>, Int?) throws -> Void) rethrows {
    var start = blocks.lowerBound
    while start < blocks.upperBound {
      let place = self[start]
      var end = start + 1
      while end < blocks.upperBound, self[end] == place.map({ $0 + end - start }) { end += 1 }
      try body(start..<end, place)
      start = end
    }
  }

  /// Takes all places away.
  mutating func removeAll() {
    for index in used { chunks[index] = nil }
    used.removeAll(keepingCapacity: true)
  }
}
