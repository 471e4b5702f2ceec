/// The contents of a disk in layers: the base, saved layers that are only read, the durable layer, and the layer of the
/// volatile write cache on top. A value without locks; belongs to one disk.
package struct DiskContents {
  /// A layer that can be written to.
  package enum Target: Sendable { case durable, cache }

  package private(set) var size: Int
  let base: BaseContents
  /// The lowest first.
  private(set) var saved: [Layer]
  private(set) var durable: Layer
  private(set) var cache: WriteCache

  private static let blockSize = BlockMap.blockSize

  /// - Parameters:
  ///   - size: in bytes, a multiple of 512.
  ///   - limit: the most bytes of data in the durable layer, and as much in the cache.
  ///   - logLimit: the most bytes of data that are kept to know the unflushed changes one by one.
  ///   - folder: for temporary files.
  package init(
    size: Int,
    base: BaseContents,
    saved: [Layer] = [],
    limit: Int,
    logLimit: Int,
    folder: String
  ) throws {
    self.size = size
    self.base = base
    self.saved = saved
    let blocks = Self.blocks(of: size)
    durable = try Layer(blocks: blocks, limit: limit / Self.blockSize, folder: folder)
    cache = try WriteCache(blocks: blocks, limit: limit / Self.blockSize, logLimit: logLimit, folder: folder)
  }

  static func blocks(of size: Int) -> Int { (size + blockSize - 1) / blockSize }

  /// Bytes of data that are in the two upper layers.
  package var overlaySize: Int { (durable.map.dataCount + cache.map.dataCount) * Self.blockSize }
  package var hasUnflushed: Bool { !cache.map.isEmpty }

  // MARK: Reading

  /// Reads what the guest sees, or what would be left after a power cut.
  package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer, from target: Target = .cache)
    throws
  {
    let depth = saved.count + (target == .cache ? 2 : 1)
    try read(at: offset, into: buffer, below: depth)
  }

  /// Reads through the lowest `depth` layers.
  private func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer, below depth: Int) throws {
    guard !buffer.isEmpty else { return }
    guard depth > 0 else { return try base.read(at: offset, into: buffer) }
    let map = depth > saved.count + 1 ? cache.map : layer(depth - 1).map
    guard !map.isEmpty else { return try read(at: offset, into: buffer, below: depth - 1) }
    let end = offset + buffer.count
    try map.forEachRun(in: offset / Self.blockSize..<Self.blocks(of: end)) { run, state in
      let start = max(offset, run.lowerBound * Self.blockSize)
      let stop = min(end, run.upperBound * Self.blockSize)
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[start - offset..<stop - offset])
      switch state {
      case .data where depth > saved.count + 1: try cache.read(at: start, into: part)
      case .data: try layer(depth - 1).file.read(at: start, into: part)
      case .zeroes: part.initializeMemory(as: UInt8.self, repeating: 0)
      case .below: try read(at: start, into: part, below: depth - 1)
      }
    }
  }

  /// A layer below the cache.
  private func layer(_ index: Int) -> Layer { index < saved.count ? saved[index] : durable }

  // MARK: Writing

  package mutating func write(at offset: Int, _ bytes: UnsafeRawBufferPointer, to target: Target) throws {
    switch target {
    case .cache: _ = try writeCache(at: offset, bytes)
    case .durable: try writeDurable(at: offset, bytes)
    }
  }

  private mutating func writeDurable(at offset: Int, _ bytes: UnsafeRawBufferPointer) throws {
    let end = offset + bytes.count
    var position = offset
    while position < end {
      let block = position / Self.blockSize
      let isWhole = position % Self.blockSize == 0 && end - position >= Self.blockSize
      let stop =
        isWhole ? end / Self.blockSize * Self.blockSize : min(end, (block + 1) * Self.blockSize)
      let part = UnsafeRawBufferPointer(rebasing: bytes[position - offset..<stop - offset])
      if isWhole {
        try durable.write(block..<stop / Self.blockSize, part)
      } else if durable.map[block] == .data {
        try durable.writePart(at: position, part)
      } else {
        try withWholeBlocks(at: position, part, over: .durable) { try $0.durable.write($1, $2) }
      }
      position = stop
    }
  }

  /// Returns the place of the data in the cache's file, in bytes: see `WriteCache.write`.
  private mutating func writeCache(at offset: Int, _ bytes: UnsafeRawBufferPointer) throws -> Int {
    try withWholeBlocks(at: offset, bytes, over: .cache) { try $0.cache.write($1, $2) } + offset
      % Self.blockSize
  }

  /// Calls `body` with the blocks that a write touches, and with what they have after it.
  private mutating func withWholeBlocks<Result>(
    at offset: Int,
    _ bytes: UnsafeRawBufferPointer,
    over target: Target,
    _ body: (inout DiskContents, Range<Int>, UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let blocks = offset / Self.blockSize..<Self.blocks(of: offset + bytes.count)
    let (before, size) = (offset % Self.blockSize, blocks.count * Self.blockSize)
    if bytes.count == size { return try body(&self, blocks, bytes) }
    return try withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { whole in
      // The rest of the first and of the last block comes from below.
      for block in Set([0, blocks.count - 1]) {
        let place = block * Self.blockSize..<(block + 1) * Self.blockSize
        try read(
          at: blocks.lowerBound * Self.blockSize + place.lowerBound,
          into: UnsafeMutableRawBufferPointer(rebasing: whole[place]),
          from: target
        )
      }
      UnsafeMutableRawBufferPointer(rebasing: whole[before...]).copyMemory(from: bytes)
      return try body(&self, blocks, UnsafeRawBufferPointer(whole))
    }
  }

  /// Carries a change out in the cache, and notes it there.
  /// - Parameter payload: the bytes of a write.
  mutating func cache(_ request: DiskRequest, _ payload: UnsafeRawBufferPointer) throws {
    let kind: WriteCache.Change.Kind
    var blocks = 0
    switch request.operation {
    case .read, .flush: return
    case .write:
      blocks = Self.blocks(of: request.offset + request.count) - request.offset / Self.blockSize
      cache.reserve(blocks)
      kind = .write(place: try writeCache(at: request.offset, payload))
    case .zero, .trim:
      cache.reserve(0)
      try clear(at: request.offset, count: request.count, in: .cache)
      kind = request.operation == .zero ? .zero : .trim
    }
    cache.note(
      WriteCache.Change(
        kind: kind,
        offset: request.offset,
        count: request.count,
        isDurable: request.isDurable
      ),
      blocks: blocks
    )
  }

  /// Writes zeroes. Whole blocks take no room.
  package mutating func clear(at offset: Int, count: Int, in target: Target) throws {
    let end = offset + count
    let whole = Self.blocks(of: offset)..<max(Self.blocks(of: offset), end / Self.blockSize)
    if whole.isEmpty { return try clearPart(offset..<end, in: target) }
    try clearPart(offset..<whole.lowerBound * Self.blockSize, in: target)
    switch target {
    case .cache: cache.clear(whole)
    case .durable: durable.clear(whole)
    }
    try clearPart(whole.upperBound * Self.blockSize..<end, in: target)
  }

  /// Less than two blocks.
  private mutating func clearPart(_ range: Range<Int>, in target: Target) throws {
    guard !range.isEmpty else { return }
    let zeroes = [UInt8](repeating: 0, count: range.count)
    try zeroes.withUnsafeBytes { try write(at: range.lowerBound, $0, to: target) }
  }

  /// Gives the contents another size. What is added is zeroes, also where the disk was larger before, as long as it has
  /// all of its base. The cache must be empty.
  mutating func resize(to newSize: Int) throws {
    let (old, blocks) = (size, Self.blocks(of: newSize))
    // A block that only a part is left of has zeroes after the end.
    let partEnd = min(old, blocks * Self.blockSize)
    if newSize < partEnd { try clear(at: newSize, count: partEnd - newSize, in: .durable) }
    durable.resize(to: blocks)
    cache.resize(to: blocks)
    for index in saved.indices { saved[index].resize(to: blocks) }
    size = newSize
  }

  // MARK: The cache

  /// Makes everything durable that is in the cache.
  package mutating func flush() throws {
    guard hasUnflushed else { return }
    try durable.merge(cache)
    cache.removeAll()
  }

  /// Loses everything that is only in the cache.
  package mutating func dropCache() { cache.removeAll() }

  /// Replaces the cache by one that was saved.
  /// - Parameter changes: the changes that gave it its contents; empty: they are not known one by one.
  mutating func fillCache(from layer: Layer, changes: [LogEntry]) throws {
    if changes.isEmpty, !layer.map.isEmpty { cache.markCut() }
    for change in changes { try cache.restore(change) }
    try cache.fill(from: layer)
  }

  /// Makes the durable layer one that is only read, below a new one. The cache must be empty.
  mutating func freeze(limit: Int, folder: String) throws {
    guard !durable.map.isEmpty else { return }
    let next = try Layer(blocks: Self.blocks(of: size), limit: limit / Self.blockSize, folder: folder)
    saved.append(durable)
    durable = next
  }

  /// Replaces all contents above the base. The layers are only read from now on.
  package mutating func replace(saved: [Layer]) {
    self.saved = saved
    durable.removeAll()
    cache.removeAll()
  }
}
