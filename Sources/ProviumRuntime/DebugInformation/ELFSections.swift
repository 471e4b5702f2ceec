import ProviumSystem

/// The sections of a little-endian ELF64 file (elf(5)).
struct ELFSections {
  struct Section {
    let name: String
    let type: UInt32
    let offset: UInt64
    let size: UInt64
    /// For a symbol table: the number of the section with its strings.
    let link: Int
  }
  let all: [Section]
  /// An object file, such as a kernel module: addresses count from the start of each section.
  let isRelocatable: Bool
  private let path: String

  /// `SHT_NOBITS`: the file has no bytes of the section.
  private static let noBits: UInt32 = 8
  /// A symbol table of a kernel has some megabytes.
  private static let longest: UInt64 = 256 << 20

  /// nil: no such file.
  init?(_ path: String) {
    guard let head = try? Files.readHead(path, 64), head.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]),
      let type: UInt16 = head.integer(at: 16), let table: UInt64 = head.integer(at: 40),
      let entrySize: UInt16 = head.integer(at: 58), let count: UInt16 = head.integer(at: 60),
      let nameTable: UInt16 = head.integer(at: 62), entrySize >= 64, nameTable < count,
      let headers = try? Files.read(path, from: table, count: Int(entrySize) * Int(count)),
      headers.count == Int(entrySize) * Int(count)
    else { return nil }
    self.path = path
    isRelocatable = type == 1
    func number(_ section: Int, _ offset: Int) -> UInt64 {
      headers.integer(at: section * Int(entrySize) + offset) ?? 0
    }
    func word(_ section: Int, _ offset: Int) -> UInt32 {
      headers.integer(at: section * Int(entrySize) + offset) ?? 0
    }
    let names = Int(nameTable), namesSize = number(names, 32)
    guard namesSize < 1 << 24,
      let strings = try? Files.read(path, from: number(names, 24), count: Int(namesSize))
    else { return nil }
    all = (0..<Int(count)).map { section in
      let start = min(Int(word(section, 0)), strings.count)
      return Section(
        name: String(decoding: strings[start...].prefix { $0 != 0 }, as: UTF8.self),
        type: word(section, 4),
        offset: number(section, 24),
        size: number(section, 32),
        link: Int(word(section, 40))
      )
    }
  }

  /// nil: the section has no bytes in the file, or not all of them.
  func contents(of section: Section) -> [UInt8]? {
    guard section.type != Self.noBits, section.size <= Self.longest,
      let bytes = try? Files.read(path, from: section.offset, count: Int(section.size)),
      bytes.count == Int(section.size)
    else { return nil }
    return bytes
  }

  /// Whether it has debug information (DWARF).
  var hasDebugInformation: Bool {
    all.contains { ($0.name == ".debug_info" || $0.name == ".zdebug_info") && $0.type != Self.noBits }
  }
}
