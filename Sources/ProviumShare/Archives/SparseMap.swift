/// The parts of a sparse file that a tar archive has; the rest of the file is holes. GNU tar has four formats of it, see "Storing
/// Sparse Files" of its manual: the old one of type `S`, and 0.0, 0.1 and 1.0 in pax records. Maps come from archives, which may
/// be hostile.
struct SparseMap {
  /// A run of bytes of the file.
  struct Part: Equatable {
    var offset: Int
    var count: Int
  }

  /// The most parts of one file.
  private static let mostParts = 1 << 20
  private static let block = 512

  private(set) var parts: [Part] = []
  /// The size of the file, with its holes.
  let size: Int

  /// - Parameters:
  ///   - parts: in the order of their contents in the archive.
  ///   - stored: the bytes of contents in the archive.
  /// - Returns: nil for a map that no file has.
  init?(_ parts: [Part], size: Int, stored: Int) {
    guard size >= 0, parts.count <= Self.mostParts else { return nil }
    var end = 0
    var sum = 0
    for part in parts {
      let (next, overflow) = part.offset.addingReportingOverflow(part.count)
      guard !overflow, part.count >= 0, part.offset >= end, next <= size else { return nil }
      end = next
      sum += part.count
    }
    guard sum == stored else { return nil }
    self.parts = parts
    self.size = size
  }

  // MARK: The old format

  /// Reads the map of a header of type `S`: four parts in the header, and 21 in each block that follows it.
  /// - Parameters:
  ///   - number: the number in a field of twelve bytes; nil: it has none.
  ///   - next: the next block of the archive.
  static func parts(
    inOldHeader header: [UInt8],
    number: (ArraySlice<UInt8>) throws(ShareProblem) -> Int,
    next: () throws(ShareProblem) -> [UInt8]
  ) throws(ShareProblem) -> [Part]? {
    var parts: [Part] = []
    var (block, start, count, isExtended) = (header, 386, 4, header[482] != 0)
    while true {
      for index in 0..<count {
        let offset = block[start + index * 24..<start + index * 24 + 12]
        let length = block[start + index * 24 + 12..<start + index * 24 + 24]
        // As GNU tar: the first field that is not used ends the map.
        guard length.first != 0 else { return parts }
        parts.append(Part(offset: try number(offset), count: try number(length)))
      }
      guard isExtended else { return parts }
      guard parts.count <= mostParts else { return nil }
      block = try next()
      (start, count, isExtended) = (0, 21, block[504] != 0)
    }
  }

  // MARK: Format 1.0

  /// Reads the map that precedes the contents: numbers in decimal, each with a newline, padded to whole blocks.
  /// - Parameter next: the next block of the entry's contents; nil: there is none.
  static func parts(inContents next: () throws(ShareProblem) -> [UInt8]?) throws(ShareProblem) -> [Part]? {
    var block: ArraySlice<UInt8> = []
    func number() throws(ShareProblem) -> Int? {
      var digits: [UInt8] = []
      while digits.count <= 20 {
        if block.isEmpty {
          guard let more = try next() else { return nil }
          block = more[...]
        }
        let byte = block.removeFirst()
        if byte == UInt8(ascii: "\n") { return SparseMap.number(digits[...]) }
        digits.append(byte)
      }
      return nil
    }
    guard let count = try number(), count <= mostParts else { return nil }
    var parts: [Part] = []
    for _ in 0..<count {
      guard let offset = try number(), let length = try number() else { return nil }
      parts.append(Part(offset: offset, count: length))
    }
    return parts
  }

  /// A number of decimal digits alone.
  static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    guard !digits.isEmpty, digits.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) else {
      return nil
    }
    return Int(String(decoding: digits, as: UTF8.self))
  }
}
