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
  private(set) var cache: Layer

  private static let blockSize = BlockMap.blockSize

  /// - Parameters:
  ///   - size: in bytes, a multiple of 512.
  ///   - limit: the most bytes of data in the durable layer, and as much in the cache.
  ///   - folder: for temporary files.
  package init(size: Int, base: BaseContents, saved: [Layer] = [], limit: Int, folder: String) throws {
    self.size = size
    self.base = base
    self.saved = saved
    let blocks = Self.blocks(of: size)
    durable = try Layer(blocks: blocks, limit: limit / Self.blockSize, folder: folder)
    cache = try Layer(blocks: blocks, limit: limit / Self.blockSize, folder: folder)
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
    let layer = self.layer(depth - 1)
    guard !layer.map.isEmpty else { return try read(at: offset, into: buffer, below: depth - 1) }
    let end = offset + buffer.count
    try layer.map.forEachRun(in: offset / Self.blockSize..<Self.blocks(of: end)) { run, state in
      let start = max(offset, run.lowerBound * Self.blockSize)
      let stop = min(end, run.upperBound * Self.blockSize)
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[start - offset..<stop - offset])
      switch state {
      case .data: try layer.file.read(at: start, into: part)
      case .zeroes: part.initializeMemory(as: UInt8.self, repeating: 0)
      case .below: try read(at: start, into: part, below: depth - 1)
      }
    }
  }

  private func layer(_ index: Int) -> Layer {
    index < saved.count ? saved[index] : index == saved.count ? durable : cache
  }

  // MARK: Writing

  package mutating func write(at offset: Int, _ bytes: UnsafeRawBufferPointer, to target: Target) throws {
    let end = offset + bytes.count
    var position = offset
    while position < end {
      let block = position / Self.blockSize
      let isWhole = position % Self.blockSize == 0 && end - position >= Self.blockSize
      let stop =
        isWhole ? end / Self.blockSize * Self.blockSize : min(end, (block + 1) * Self.blockSize)
      let part = UnsafeRawBufferPointer(rebasing: bytes[position - offset..<stop - offset])
      if isWhole {
        try change(target) { try $0.write(block..<stop / Self.blockSize, part) }
      } else {
        try writePart(at: position, part, to: target)
      }
      position = stop
    }
  }

  /// Writes less than a block: the rest of the block is copied from below where the layer lacks it.
  private mutating func writePart(at offset: Int, _ bytes: UnsafeRawBufferPointer, to target: Target) throws {
    let block = offset / Self.blockSize
    if (target == .cache ? cache : durable).map[block] == .data {
      return try change(target) { try $0.writePart(at: offset, bytes) }
    }
    try withUnsafeTemporaryAllocation(byteCount: Self.blockSize, alignment: 16) { whole in
      try read(at: block * Self.blockSize, into: whole, from: target)
      let place = UnsafeMutableRawBufferPointer(rebasing: whole[(offset % Self.blockSize)...])
      place.copyMemory(from: bytes)
      try change(target) { try $0.write(block..<block + 1, UnsafeRawBufferPointer(whole)) }
    }
  }

  /// Writes zeroes. Whole blocks take no room.
  package mutating func clear(at offset: Int, count: Int, in target: Target) throws {
    let end = offset + count
    let whole = Self.blocks(of: offset)..<max(Self.blocks(of: offset), end / Self.blockSize)
    if whole.isEmpty { return try clearPart(offset..<end, in: target) }
    try clearPart(offset..<whole.lowerBound * Self.blockSize, in: target)
    change(target) { $0.clear(whole) }
    try clearPart(whole.upperBound * Self.blockSize..<end, in: target)
  }

  /// Less than two blocks.
  private mutating func clearPart(_ range: Range<Int>, in target: Target) throws {
    guard !range.isEmpty else { return }
    let zeroes = [UInt8](repeating: 0, count: range.count)
    try zeroes.withUnsafeBytes { try write(at: range.lowerBound, $0, to: target) }
  }

  private mutating func change<Result>(_ target: Target, _ body: (inout Layer) throws -> Result) rethrows
    -> Result
  {
    target == .cache ? try body(&cache) : try body(&durable)
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
  mutating func fillCache(from layer: Layer) throws { try cache.merge(layer) }

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
