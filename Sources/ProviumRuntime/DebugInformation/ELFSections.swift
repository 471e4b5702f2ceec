import ProviumSystem

/// The sections of a little-endian ELF64 file (elf(5)).
package struct ELFSections {
  package struct Section {
    package let name: String
    package let type: UInt32
    /// In memory; 0 in an object file.
    package let address: UInt64
    let offset: UInt64
    package let size: UInt64
    /// For a symbol table: the number of the section with its strings. For relocations: that of their symbol table.
    package let link: Int
  }
  /// The place of the file's bytes.
  private enum Source {
    case file(path: String)
    case memory([UInt8])

    /// Fewer bytes at the end of the file.
    func read(from offset: UInt64, count: Int) -> [UInt8]? {
      switch self {
      case .file(let path): return try? Files.read(path, from: offset, count: count)
      case .memory(let bytes):
        guard let start = Int(exactly: offset), start <= bytes.count else { return nil }
        return Array(bytes[start...].prefix(count))
      }
    }
  }
  package let all: [Section]
  /// An object file, such as a kernel module: addresses count from the start of each section.
  let isRelocatable: Bool
  private let source: Source

  /// `SHT_NOBITS`: the file has no bytes of the section.
  private static let noBits: UInt32 = 8
  /// A symbol table of a kernel has some megabytes.
  private static let longest: UInt64 = 256 << 20

  /// Reads the table of the sections. nil: there is no such file, or it is none of this form.
  package init?(_ path: String) { self.init(.file(path: path)) }

  /// Reads the table of the sections of a file in memory. nil: it is none of this form.
  package init?(contents: [UInt8]) { self.init(.memory(contents)) }

  private init?(_ source: Source) {
    guard let head = source.read(from: 0, count: 64), head.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]),
      let type: UInt16 = head.integer(at: 16), let table: UInt64 = head.integer(at: 40),
      let entrySize: UInt16 = head.integer(at: 58), let count: UInt16 = head.integer(at: 60),
      let nameTable: UInt16 = head.integer(at: 62), entrySize >= 64, nameTable < count,
      let headers = source.read(from: table, count: Int(entrySize) * Int(count)),
      headers.count == Int(entrySize) * Int(count)
    else { return nil }
    self.source = source
    isRelocatable = type == 1
    func number(_ section: Int, _ offset: Int) -> UInt64 {
      headers.integer(at: section * Int(entrySize) + offset) ?? 0
    }
    func word(_ section: Int, _ offset: Int) -> UInt32 {
      headers.integer(at: section * Int(entrySize) + offset) ?? 0
    }
    let names = Int(nameTable), namesSize = number(names, 32)
    guard namesSize < 1 << 24,
      let strings = source.read(from: number(names, 24), count: Int(namesSize))
    else { return nil }
    all = (0..<Int(count)).map { section in
      let start = min(Int(word(section, 0)), strings.count)
      return Section(
        name: String(decoding: strings[start...].prefix { $0 != 0 }, as: UTF8.self),
        type: word(section, 4),
        address: number(section, 16),
        offset: number(section, 24),
        size: number(section, 32),
        link: Int(word(section, 40))
      )
    }
  }

  /// nil: the section has no bytes in the file, or not all of them.
  package func contents(of section: Section) -> [UInt8]? {
    guard section.type != Self.noBits, section.size <= Self.longest,
      let bytes = source.read(from: section.offset, count: Int(section.size)),
      bytes.count == Int(section.size)
    else { return nil }
    return bytes
  }

  /// A part of a section's contents; fewer bytes at its end. nil: the section has no bytes in the file.
  package func contents(of section: Section, from start: UInt64, count: Int) -> [UInt8]? {
    guard section.type != Self.noBits, start <= section.size else { return nil }
    return source.read(from: section.offset &+ start, count: min(count, Int(clamping: section.size - start)))
  }

  /// Whether it has debug information (DWARF).
  var hasDebugInformation: Bool {
    all.contains { ($0.name == ".debug_info" || $0.name == ".zdebug_info") && $0.type != Self.noBits }
  }
}
