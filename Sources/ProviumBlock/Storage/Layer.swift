/// One layer of a disk's contents: a file with the blocks that differ from what is below, and the map of those blocks.
///
/// A copy of the value shares the file. Only one copy may be written to; `DiskContents` sees to it.
package struct Layer: BlockSource, Sendable {
  let file: LayerFile
  package private(set) var map: BlockMap
  /// The most blocks that the file may hold.
  let limit: Int

  /// A layer with more data than its limit was needed.
  struct LimitReached: Error {}

  /// An empty layer for a disk of `blocks` blocks.
  /// - Parameter limit: the most blocks that the file may hold.
  package init(blocks: Int, limit: Int, folder: String) throws {
    file = try LayerFile(temporaryIn: folder)
    map = BlockMap(count: blocks)
    self.limit = limit
  }

  /// A layer with contents that were saved.
  init(file: LayerFile, map: BlockMap, limit: Int) {
    self.file = file
    self.map = map
    self.limit = limit
  }

  private static let blockSize = BlockMap.blockSize

  /// Replaces whole blocks.
  mutating func write(_ blocks: Range<Int>, _ bytes: UnsafeRawBufferPointer) throws {
    var added = 0
    map.forEachRun(in: blocks) { run, state in if state != .data { added += run.count } }
    guard map.dataCount + added <= limit else { throw LimitReached() }
    try file.write(at: blocks.lowerBound * Self.blockSize, bytes)
    map.set(blocks, to: .data)
  }

  /// Replaces a part of a block that the layer has.
  func writePart(at offset: Int, _ bytes: UnsafeRawBufferPointer) throws { try file.write(at: offset, bytes) }

  /// Makes whole blocks zeroes.
  mutating func clear(_ blocks: Range<Int>) {
    map.forEachRun(in: blocks) { run, state in
      if state == .data {
        file.release(at: run.lowerBound * Self.blockSize, count: run.count * Self.blockSize)
      }
    }
    map.set(blocks, to: .zeroes)
  }

  /// Takes everything that `upper` has over this layer. Either all of it or nothing.
  mutating func merge(_ upper: some BlockSource) throws {
    guard !upper.map.isEmpty else { return }
    var added = 0
    upper.map.forEachOwnRun { run, state in
      guard state == .data else { return }
      map.forEachRun(in: run) { part, own in if own != .data { added += part.count } }
    }
    guard map.dataCount + added <= limit else { throw LimitReached() }
    try upper.map.forEachOwnRun { run, state in
      if state == .zeroes { return clear(run) }
      try upper.forEachPiece(of: run) { try file.write(at: $0, $1) }
      map.set(run, to: .data)
    }
  }

  func forEachPiece(of run: Range<Int>, _ body: (Int, UnsafeRawBufferPointer) throws -> Void) throws {
    let start = run.lowerBound * Self.blockSize
    try file.forEachPiece(of: start, run.count * Self.blockSize) { position, bytes in
      try body(start + position, bytes)
    }
  }

  /// Gives the layer another number of blocks: see `BlockMap.resize`.
  mutating func resize(to blocks: Int) { map.resize(to: blocks) }

  /// Gives up all contents.
  mutating func removeAll() {
    // Small files are kept: to free their blocks at each flush would take longer than to write them again.
    if map.dataCount > Self.keptBlocks { file.releaseAll() }
    map.removeAll()
  }

  /// The size up to which the file of a layer or cache is kept when it is emptied, in blocks.
  static let keptBlocks = 4096
}
