import ProviumSystem

/// The parts of an ELF program or library that tell what it needs to start.
///
/// ```text
/// header: class u8 @4 (2: 64 bits) · data u8 @5 (1: little-endian) · machine u16 @18 · phoff @32 (@28 in 32 bits)
///         phentsize u16 @54 (@42) · phnum u16 @56 (@44)
/// program header, 64 bits: type u32 @0 · offset u64 @8 · vaddr u64 @16 · filesz u64 @32
/// program header, 32 bits: type u32 @0 · offset u32 @4 · vaddr u32 @8 · filesz u32 @16
/// dynamic entry: tag, value; 8 bytes each (4)
/// ```
/// (elf(5).) Every offset comes from the file and is checked.
struct ELFProgram: Sendable, Hashable {
  /// `e_machine`.
  let machine: UInt16
  /// The path of the program that loads it, the dynamic loader; nil for a static program, and for a library.
  let interpreter: String?
  /// Names of libraries: `libc.so.6`.
  let libraries: [String]
  /// Folders in which it looks for libraries first (`DT_RPATH`, `DT_RUNPATH`).
  let searchFolders: [String]

  /// Bytes of the header.
  static let headSize = 64
  private static let magic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46]
  private static let segmentLoad = 1, segmentDynamic = 2, segmentInterpreter = 3
  private static let tagNeeded = 1, tagStrings = 5, tagRPath = 15, tagRunPath = 29
  /// Entries of a dynamic section that are read, and bytes of one of its strings.
  private static let entryLimit = 4096, stringLimit = 4096

  /// - Returns: nil for a file that is no ELF file, or is damaged.
  init?(_ file: [UInt8]) {
    guard file.starts(with: Self.magic), file.count >= 52 else { return nil }
    let reader = Reader(file: file, is64: file[4] == 2, isBig: file[5] == 2)
    guard let machine = reader.number(18, 2) else { return nil }
    self.machine = UInt16(truncatingIfNeeded: machine)
    let segments = reader.segments()
    interpreter = segments.first { $0.type == Self.segmentInterpreter }.flatMap {
      reader.string(at: $0.offset)
    }
    var needed: [Int] = [], folders: [Int] = []
    var strings: Int?
    if let dynamic = segments.first(where: { $0.type == Self.segmentDynamic }) {
      for (tag, value) in reader.dynamicEntries(dynamic.offset, dynamic.size) {
        switch tag {
        case Self.tagNeeded: needed.append(value)
        case Self.tagRPath, Self.tagRunPath: folders.append(value)
        case Self.tagStrings: strings = reader.offset(of: value, in: segments)
        default: break
        }
      }
    }
    func text(_ offset: Int) -> String? {
      strings.flatMap { base in
        let (place, overflow) = base.addingReportingOverflow(offset)
        return overflow ? nil : reader.string(at: place)
      }
    }
    libraries = needed.compactMap(text)
    searchFolders = folders.compactMap(text).flatMap { $0.split(separator: ":").map(String.init) }
  }

  private struct Segment {
    let type: Int
    let offset: Int
    let address: Int
    let size: Int
  }

  private struct Reader {
    let file: [UInt8]
    let is64: Bool
    let isBig: Bool

    private var word: Int { is64 ? 8 : 4 }

    /// nil outside the file, and for a number that no offset has.
    func number(_ place: Int, _ width: Int) -> Int? {
      guard place >= 0, place <= file.count - width else { return nil }
      var value: UInt64 = 0
      for index in 0..<width {
        let byte = UInt64(file[place + (isBig ? index : width - 1 - index)])
        value = value << 8 | byte
      }
      return Int(exactly: value)
    }

    func segments() -> [Segment] {
      let (table, size, count) =
        is64
        ? (number(32, 8), number(54, 2), number(56, 2)) : (number(28, 4), number(42, 2), number(44, 2))
      guard let table, let size, let count, size >= (is64 ? 56 : 32), table <= file.count else { return [] }
      return (0..<count).compactMap { index in
        let place = table + index * size
        let fields =
          is64
          ? [number(place, 4), number(place + 8, 8), number(place + 16, 8), number(place + 32, 8)]
          : [number(place, 4), number(place + 4, 4), number(place + 8, 4), number(place + 16, 4)]
        let known = fields.compactMap { $0 }
        guard known.count == 4 else { return nil }
        return Segment(type: known[0], offset: known[1], address: known[2], size: known[3])
      }
    }

    func dynamicEntries(_ offset: Int, _ size: Int) -> [(tag: Int, value: Int)] {
      var entries: [(Int, Int)] = []
      let count = min(size / (2 * word), ELFProgram.entryLimit)
      for index in 0..<max(0, count) where offset <= file.count {
        let place = offset + index * 2 * word
        guard let tag = number(place, word), tag != 0 else { break }
        // A value that is no offset belongs to a tag that is not read.
        if let value = number(place + word, word) { entries.append((tag, value)) }
      }
      return entries
    }

    /// The place in the file of an address in memory.
    func offset(of address: Int, in segments: [Segment]) -> Int? {
      let segment = segments.first { segment in
        segment.type == ELFProgram.segmentLoad && address >= segment.address
          && address - segment.address < segment.size
      }
      return segment.flatMap { segment in
        let (place, overflow) = segment.offset.addingReportingOverflow(address - segment.address)
        return overflow ? nil : place
      }
    }

    func string(at place: Int) -> String? {
      guard place >= 0, place < file.count else { return nil }
      let bytes = file[place...].prefix(ELFProgram.stringLimit).prefix { $0 != 0 }
      return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
  }
}
