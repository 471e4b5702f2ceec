/// The volatile write cache of a disk: the changes since the last flush one by one, and the contents that they leave. A value;
/// only one copy may be written to.
///
/// The data of each write go to the end of a file and stay there until the next flush, so that each change can be repeated
/// alone (see `PowerCut`) without a second copy of its data in memory. A map has the place of each block's newest data.
/// Once the limit of the log is reached, changes are no longer remembered one by one, and data replace older data in place.
struct WriteCache: BlockSource {
  /// One change, in the order in which the disk carried them out.
  struct Change: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
      /// The place of the data in the file, in bytes.
      case write(place: Int)
      case zero
      case trim
    }
    var kind: Kind
    /// Bytes.
    var offset: Int
    var count: Int
    /// The change was durable when it was answered.
    var isDurable: Bool
  }

  private let file: LayerFile
  private(set) var map: BlockMap
  private var places: BlockPlaces
  /// The most blocks of the disk that may have data.
  private let limit: Int
  /// The most bytes of data of `changes`, in whole blocks, and with it the most changes: one for each 64 bytes.
  private let logLimit: Int
  /// The used blocks of the file.
  private var end = 0
  /// The bytes of the data of `changes`, in whole blocks.
  private var size = 0
  /// Empty once the limit was reached.
  private(set) var changes: [Change] = []
  /// The limit was reached: the changes are not known one by one.
  private(set) var isCut = false
  /// The number of changes that a power cut loses.
  private(set) var volatileCount = 0

  private static let blockSize = BlockMap.blockSize

  /// - Parameters:
  ///   - blocks: of the disk.
  ///   - limit: the most blocks that may have data.
  ///   - logLimit: the most bytes of data that are kept for `changes`.
  init(blocks: Int, limit: Int, logLimit: Int, folder: String) throws {
    file = try LayerFile(temporaryIn: folder)
    map = BlockMap(count: blocks)
    places = BlockPlaces(count: blocks)
    self.limit = limit
    self.logLimit = logLimit
  }

  // MARK: Contents

  /// Reads from blocks that have data.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
    let stop = offset + buffer.count
    let blocks = offset / Self.blockSize..<(stop + Self.blockSize - 1) / Self.blockSize
    try places.forEachRun(in: blocks) { run, place in
      let begin = max(offset, run.lowerBound * Self.blockSize)
      let part = begin - offset..<min(stop, run.upperBound * Self.blockSize) - offset
      try file.read(
        at: (place ?? 0) * Self.blockSize + begin - run.lowerBound * Self.blockSize,
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[part])
      )
    }
  }

  /// Replaces whole blocks.
  /// - Returns: the place of the data in the file, in bytes, where they are one after the other: until `isCut`.
  @discardableResult
  mutating func write(_ blocks: Range<Int>, _ bytes: UnsafeRawBufferPointer) throws -> Int {
    var added = 0
    map.forEachRun(in: blocks) { run, state in if state != .data { added += run.count } }
    guard map.dataCount + added <= limit else { throw Layer.LimitReached() }
    let place = end
    if isCut { try replace(blocks, bytes) } else { try append(blocks, bytes) }
    map.set(blocks, to: .data)
    return place * Self.blockSize
  }

  private mutating func append(_ blocks: Range<Int>, _ bytes: UnsafeRawBufferPointer) throws {
    try file.write(at: end * Self.blockSize, bytes)
    places.set(blocks, from: end)
    end += blocks.count
  }

  /// Writes to the places that the blocks have.
  private mutating func replace(_ blocks: Range<Int>, _ bytes: UnsafeRawBufferPointer) throws {
    var runs: [(Range<Int>, Int?)] = []
    places.forEachRun(in: blocks) { runs.append(($0, $1)) }
    for (run, place) in runs {
      let first = (run.lowerBound - blocks.lowerBound) * Self.blockSize
      let part = UnsafeRawBufferPointer(rebasing: bytes[first..<first + run.count * Self.blockSize])
      if let place { try file.write(at: place * Self.blockSize, part) } else { try append(run, part) }
    }
  }

  /// Makes whole blocks zeroes. They keep their places.
  mutating func clear(_ blocks: Range<Int>) { map.set(blocks, to: .zeroes) }

  func forEachPiece(of run: Range<Int>, _ body: (Int, UnsafeRawBufferPointer) throws -> Void) throws {
    try places.forEachRun(in: run) { part, place in
      let start = part.lowerBound * Self.blockSize
      try file.forEachPiece(of: (place ?? 0) * Self.blockSize, part.count * Self.blockSize) {
        position,
        bytes in
        try body(start + position, bytes)
      }
    }
  }

  /// Takes the contents of a cache that was saved.
  mutating func fill(from layer: Layer) throws {
    try layer.map.forEachOwnRun { run, state in
      if state == .zeroes { return clear(run) }
      try layer.forEachPiece(of: run) { offset, bytes in
        let first = offset / Self.blockSize
        try write(first..<first + bytes.count / Self.blockSize, bytes)
      }
    }
  }

  /// Gives the cache another number of blocks. It must be empty.
  mutating func resize(to blocks: Int) {
    map.resize(to: blocks)
    places = BlockPlaces(count: blocks)
  }

  /// Gives up all contents and changes.
  mutating func removeAll() {
    // Small files are kept: to free their blocks at each flush would take longer than to write them again.
    if end > Layer.keptBlocks { file.releaseAll() }
    map.removeAll()
    places.removeAll()
    changes.removeAll(keepingCapacity: true)
    (end, size, volatileCount, isCut) = (0, 0, 0, false)
  }

  // MARK: Changes

  /// Makes room in the log for a change before it is carried out; without room the log ends.
  /// - Parameter blocks: of data that the change has.
  mutating func reserve(_ blocks: Int) {
    guard !isCut, size + blocks * Self.blockSize > logLimit || changes.count >= max(1, logLimit / 64) else {
      return
    }
    markCut()
  }

  /// Notes a change that was carried out.
  /// - Parameter blocks: of data that it has in the file.
  mutating func note(_ change: Change, blocks: Int) {
    if !change.isDurable { volatileCount += 1 }
    guard !isCut else { return }
    size += blocks * Self.blockSize
    changes.append(change)
  }

  /// Notes that the changes are not known one by one.
  mutating func markCut() {
    isCut = true
    changes = []
  }

  /// Takes a change whose contents a saved cache has.
  mutating func restore(_ entry: LogEntry) throws {
    let kind: Change.Kind
    switch entry.kind {
    case .flush, .mark: return
    case .zero: kind = .zero
    case .trim: kind = .trim
    case .write(let bytes):
      kind = .write(place: end * Self.blockSize)
      try bytes.withUnsafeBytes { try file.write(at: end * Self.blockSize, $0) }
    }
    let blocks = if case .write = kind { (entry.count + Self.blockSize - 1) / Self.blockSize } else { 0 }
    end += blocks
    note(
      Change(kind: kind, offset: entry.offset, count: entry.count, isDurable: entry.isDurable),
      blocks: blocks
    )
  }

  /// A change with its data.
  func entry(of change: Change) throws -> LogEntry {
    var kind: LogEntry.Kind
    switch change.kind {
    case .zero: kind = .zero
    case .trim: kind = .trim
    case .write(let place):
      var bytes = [UInt8](repeating: 0, count: change.count)
      try bytes.withUnsafeMutableBytes { try file.read(at: place, into: $0) }
      kind = .write(bytes)
    }
    return LogEntry(kind, offset: change.offset, count: change.count, isDurable: change.isDurable)
  }
}
