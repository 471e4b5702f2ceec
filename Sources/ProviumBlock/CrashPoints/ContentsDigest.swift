import ProviumSystem

/// Digests of the contents that crash points leave: equal for equal contents of the disk.
///
/// A digest is a sum over the sectors that the log changes, so that it can be taken from a list of changes without reading
/// the disk again.
package struct ContentsDigest {
  private let sectorSize: Int
  private var contents: DiskContents
  /// The digest of each sector's contents before the log.
  private var original: [Int: UInt64] = [:]
  /// The digests of the sectors of each write, by its place in the log.
  private var written: [Int: [UInt64]] = [:]

  /// - Parameter folder: for temporary files.
  package init(_ origin: DiskOrigin, folder: String) throws {
    sectorSize = 512
    contents = try origin.contents(folder: folder)
  }

  /// Larger changes are not compared by sector: a digest with one is of its own place in the log.
  private static let largestChange = 64 << 20

  /// The digest of the contents that `point` leaves.
  package mutating func digest(of point: CrashPoint, in log: [LogEntry]) throws -> Hash {
    var sectors: [Int: UInt64] = [:]
    var sum = Hash()
    let missing = Set(point.missing)
    for index in 0..<point.length where !missing.contains(index) {
      let entry = log[index]
      let count = index == point.length - 1 ? point.tornAt ?? entry.count : entry.count
      let first = entry.offset / sectorSize
      switch entry.kind {
      case .write(let bytes):
        let hashes = hashes(ofEntry: index, bytes)
        for number in 0..<count / sectorSize { sectors[first + number] = hashes[number] }
      case .zero, .trim:
        guard count <= Self.largestChange else {
          sum.add(-1 - index, UInt64(entry.offset))
          continue
        }
        for number in 0..<count / sectorSize { sectors[first + number] = Self.zeroes }
      case .flush, .mark: break
      }
    }
    for (sector, hash) in sectors where try hash != originalHash(sector) { sum.add(sector, hash) }
    return sum
  }

  /// The digest of each sector that a write has.
  private mutating func hashes(ofEntry index: Int, _ bytes: [UInt8]) -> [UInt64] {
    if let known = written[index] { return known }
    let hashes = bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / sectorSize).map { number in
        Self.hash(UnsafeRawBufferPointer(rebasing: bytes[number * sectorSize..<(number + 1) * sectorSize]))
      }
    }
    written[index] = hashes
    return hashes
  }

  private mutating func originalHash(_ sector: Int) throws -> UInt64 {
    if let known = original[sector] { return known }
    let hash = try withUnsafeTemporaryAllocation(byteCount: sectorSize, alignment: 8) { bytes in
      try contents.read(at: sector * sectorSize, into: bytes)
      return Self.hash(UnsafeRawBufferPointer(bytes))
    }
    original[sector] = hash
    return hash
  }

  /// 128 bits, so that different contents do not meet by chance.
  package struct Hash: Sendable, Hashable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    fileprivate mutating func add(_ sector: Int, _ hash: UInt64) {
      let place = UInt64(bitPattern: Int64(sector))
      low &+= ContentsDigest.mix(hash ^ ContentsDigest.mix(place))
      high &+= ContentsDigest.mix(hash &+ ContentsDigest.mix(~place))
    }
  }

  private static let zeroes = [UInt8](repeating: 0, count: 512).withUnsafeBytes { hash($0) }

  private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    for place in stride(from: 0, to: bytes.count, by: 8) {
      state = (state ^ bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)) &* 0xBF58_476D_1CE4_E5B9
      state ^= state >> 29
    }
    return mix(state)
  }

  /// The finalizer of SplitMix64.
  private static func mix(_ value: UInt64) -> UInt64 {
    var mixed = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

extension CrashPointSearch {
  /// Returns the crash points with different contents: of equal ones that with the most marks, whose test demands most.
  package func distinctPoints(of log: [LogEntry], from origin: DiskOrigin, folder: String) throws
    -> [CrashPoint]
  {
    var digest = try ContentsDigest(origin, folder: folder)
    var places: [ContentsDigest.Hash: Int] = [:]
    var distinct: [CrashPoint] = []
    for point in points() {
      let hash = try digest.digest(of: point, in: log)
      if let place = places[hash] {
        if point.length > distinct[place].length { distinct[place] = point }
      } else {
        places[hash] = distinct.count
        distinct.append(point)
      }
    }
    return distinct
  }
}
