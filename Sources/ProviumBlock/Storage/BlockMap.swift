/// The state of each 4 KiB block of a layer of a disk. A value; takes memory only for the parts of the disk that were
/// written.
package struct BlockMap: Sendable {
  package enum State: UInt8, Sendable {
    /// The layer below has the contents.
    case below = 0
    /// The layer's file has the contents.
    case data = 1
    /// The contents are zeroes, and the layer's file has none.
    case zeroes = 2
  }

  package static let blockSize = 4096
  /// Blocks of one chunk: 16 MiB of the disk.
  private static let chunkLength = 4096

  /// One byte for each block; nil where all blocks are `below`.
  private var chunks: [[UInt8]?]
  /// The chunks that are not nil, in no order.
  private var used: [Int] = []
  package private(set) var count: Int
  /// The number of blocks in the state `data`.
  package private(set) var dataCount = 0

  /// - Parameter count: blocks.
  package init(count: Int) {
    self.count = count
    chunks = Array(repeating: nil, count: (count + Self.chunkLength - 1) / Self.chunkLength)
  }

  package var isEmpty: Bool { used.isEmpty }

  package subscript(block: Int) -> State {
    guard let chunk = chunks[block / Self.chunkLength] else { return .below }
    return State(rawValue: chunk[block % Self.chunkLength]) ?? .below
  }

  package mutating func set(_ blocks: Range<Int>, to state: State) {
    var block = blocks.lowerBound
    while block < blocks.upperBound {
      let index = block / Self.chunkLength
      let end = min(blocks.upperBound, (index + 1) * Self.chunkLength)
      if chunks[index] == nil {
        chunks[index] = [UInt8](repeating: 0, count: Self.chunkLength)
        used.append(index)
      }
      var change = 0
      for place in block % Self.chunkLength...(end - 1) % Self.chunkLength {
        if chunks[index]?[place] == State.data.rawValue { change -= 1 }
        if state == .data { change += 1 }
        chunks[index]?[place] = state.rawValue
      }
      dataCount += change
      block = end
    }
  }

  /// Calls `body` with each run of blocks of one state, in order.
  package func forEachRun(in blocks: Range<Int>, _ body: (Range<Int>, State) throws -> Void) rethrows {
    var start = blocks.lowerBound
    while start < blocks.upperBound {
      let state = self[start]
      let end = endOfRun(from: start, state, limit: blocks.upperBound)
      try body(start..<end, state)
      start = end
    }
  }

  /// Calls `body` with each run of blocks that are not `below`, in order.
  package func forEachOwnRun(_ body: (Range<Int>, State) throws -> Void) rethrows {
    for index in used.sorted() {
      let first = index * Self.chunkLength
      try forEachRun(in: first..<min(count, first + Self.chunkLength)) { run, state in
        if state != .below { try body(run, state) }
      }
    }
  }

  private func endOfRun(from start: Int, _ state: State, limit: Int) -> Int {
    var block = start + 1
    while block < limit {
      guard let chunk = chunks[block / Self.chunkLength] else {
        guard state == .below else { return block }
        block = min(limit, (block / Self.chunkLength + 1) * Self.chunkLength)
        continue
      }
      let end = min(limit, (block / Self.chunkLength + 1) * Self.chunkLength)
      while block < end {
        if chunk[block % Self.chunkLength] != state.rawValue { return block }
        block += 1
      }
    }
    return limit
  }

  /// Gives the map another number of blocks. New ones are `below`; the states of removed ones are lost.
  mutating func resize(to newCount: Int) {
    for index in used where (index + 1) * Self.chunkLength > newCount {
      let first = index * Self.chunkLength
      for block in max(first, newCount)..<max(first, min(count, first + Self.chunkLength)) {
        let place = block - first
        if chunks[index]?[place] == State.data.rawValue { dataCount -= 1 }
        chunks[index]?[place] = State.below.rawValue
      }
    }
    count = newCount
    let length = (newCount + Self.chunkLength - 1) / Self.chunkLength
    used.removeAll { $0 >= length }
    chunks = Array(chunks.prefix(length)) + Array(repeating: nil, count: max(0, length - chunks.count))
  }

  /// Makes all blocks `below`.
  package mutating func removeAll() {
    for index in used { chunks[index] = nil }
    used.removeAll(keepingCapacity: true)
    dataCount = 0
  }
}
