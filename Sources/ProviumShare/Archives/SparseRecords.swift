/// The pax records of a sparse file: `GNU.sparse.*`.
struct SparseRecords {
  static let prefix = "GNU.sparse."

  /// Whether an entry has any of them.
  private(set) var isPresent = false
  /// The path of the file; the header has another one in formats 0.1 and 1.0.
  private(set) var path: [UInt8]?
  /// The size of the file, with its holes.
  private(set) var size: Int?
  /// Whether the map precedes the contents: format 1.0.
  private(set) var isMapInContents = false
  private var parts: [SparseMap.Part] = []
  private var count: Int?
  /// The offset of a part whose size follows: format 0.0.
  private var offset: Int?

  /// Keeps the value of a record.
  /// - Parameter key: without the prefix.
  /// - Returns: false for a value that cannot be.
  mutating func keep(_ key: String, _ value: [UInt8]) -> Bool {
    isPresent = true
    if key == "name" {
      path = value
      return true
    }
    if key == "map" { return keep(map: value) }
    guard let number = SparseMap.number(value[...]) else { return false }
    switch key {
    case "size", "realsize": size = number
    case "numblocks": count = number
    case "major":
      // A later format is refused: its contents would be taken for those of the file.
      guard number <= 1 else { return false }
      isMapInContents = number == 1
    case "minor": guard number <= 1 else { return false }
    case "offset":
      guard offset == nil else { return false }
      offset = number
    case "numbytes":
      guard let begin = offset.take() else { return false }
      parts.append(SparseMap.Part(offset: begin, count: number))
    default: return false
    }
    return true
  }

  /// `OFFSET,SIZE,OFFSET,SIZE…`: format 0.1.
  private mutating func keep(map value: [UInt8]) -> Bool {
    let numbers = value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      .map(SparseMap.number)
    // An empty map is that of a file that is one hole.
    if value.isEmpty { return true }
    guard numbers.count % 2 == 0, !numbers.contains(nil) else { return false }
    let known = numbers.compactMap(\.self)
    parts = stride(from: 0, to: known.count, by: 2).map {
      SparseMap.Part(offset: known[$0], count: known[$0 + 1])
    }
    return true
  }

  /// The parts that the records name; nil where they do not agree.
  var listedParts: [SparseMap.Part]? { offset == nil && (count ?? parts.count) == parts.count ? parts : nil }
}
