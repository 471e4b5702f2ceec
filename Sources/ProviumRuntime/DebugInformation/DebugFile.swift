import Glibc
import ProviumSystem

/// A vmlinux or a module with debug information: finds the functions that reports name. Thread-safe.
final class DebugFile: Sendable {
  let path: String
  let buildID: String?
  let sections: ELFSections
  private let symbols: [UInt8]
  private let strings: [UInt8]
  /// The places of all symbols in the file, sorted.
  private let places: [Place]

  /// An address, and its section in an object file; 0 in every other file.
  struct Place: Comparable, Hashable {
    let section: Int
    let address: UInt64

    static func < (one: Place, other: Place) -> Bool {
      (one.section, one.address) < (other.section, other.address)
    }
  }

  /// The result of the search for a function of a size.
  enum Match: Hashable {
    case found(Place)
    /// No function has the name, or several have both the name and the size.
    case unknown
    /// The functions of the name have other sizes: the file is another kernel's.
    case otherSize(UInt64)
  }

  private static let symbolTable: UInt32 = 2
  private static let entrySize = 24
  /// Symbols that the kernel's own table does not have (scripts/kallsyms.c, `is_ignored_symbol`), so that the size of the
  /// function before them reaches beyond them.
  private static let ignored = ["__pfx_", "__cfi_", "$", ".L"].map { Array($0.utf8) }

  /// nil: no ELF file with symbols and debug information.
  init?(_ path: String) {
    guard let sections = ELFSections(path), sections.hasDebugInformation,
      let table = sections.all.first(where: { $0.type == Self.symbolTable }),
      table.link < sections.all.count, let symbols = sections.contents(of: table),
      var strings = sections.contents(of: sections.all[table.link])
    else { return nil }
    strings.append(0)
    self.path = path
    self.sections = sections
    self.symbols = symbols
    self.strings = strings
    buildID = BuildID.read(path)
    var places: [Place] = []
    Self.forEach(symbols, strings, isRelocatable: sections.isRelocatable) { name, symbol in
      if !Self.ignored.contains(where: { strncmp(name, $0.map { CChar($0) } + [0], $0.count) == 0 }) {
        places.append(symbol.place)
      }
    }
    self.places = places.sorted()
  }

  private struct Symbol {
    let place: Place
    /// As the compiler told; 0: unknown.
    let size: UInt64
  }

  /// Calls `body` with each symbol that has a place in the file.
  private static func forEach(
    _ symbols: [UInt8],
    _ strings: [UInt8],
    isRelocatable: Bool,
    _ body: (UnsafePointer<CChar>, Symbol) -> Void
  ) {
    strings.withUnsafeBytes { strings in
      symbols.withUnsafeBytes { bytes in
        guard let base = strings.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
        for entry in stride(from: 0, to: bytes.count - entrySize + 1, by: entrySize) {
          // Elf64_Sym: name u32 · info u8 · other u8 · section u16 · value u64 · size u64
          let name = Int(bytes.loadUnaligned(fromByteOffset: entry, as: UInt32.self))
          let type = bytes[entry + 4] & 15
          let section = bytes.loadUnaligned(fromByteOffset: entry + 6, as: UInt16.self)
          // STT_NOTYPE, STT_OBJECT, STT_FUNC in a section that is not special.
          guard type <= 2, section > 0, section < 0xff00, name > 0, name < strings.count else { continue }
          let place = Place(
            section: isRelocatable ? Int(section) : 0,
            address: bytes.loadUnaligned(fromByteOffset: entry + 8, as: UInt64.self)
          )
          let size = bytes.loadUnaligned(fromByteOffset: entry + 16, as: UInt64.self)
          body(base + name, Symbol(place: place, size: size))
        }
      }
    }
  }

  /// Finds the functions of frames by their names and sizes.
  func find(_ frames: Set<TraceFrame>) -> [TraceFrame: Match] {
    var found: [String: [Symbol]] = [:]
    let names = Set(frames.map(\.function)).map { (text: $0, bytes: $0.utf8CString) }
    Self.forEach(symbols, strings, isRelocatable: sections.isRelocatable) { name, symbol in
      for wanted in names where wanted.bytes.withUnsafeBufferPointer({ isEqual($0, name) }) {
        found[wanted.text, default: []].append(symbol)
      }
    }
    var matches: [TraceFrame: Match] = [:]
    for frame in frames {
      let all = found[frame.function] ?? []
      let fitting = Set(all.filter { hasSize(frame.size, $0) }.map(\.place))
      if fitting.count == 1, let place = fitting.first {
        matches[frame] = .found(place)
      } else if fitting.isEmpty, let other = all.first {
        matches[frame] = .otherSize(next(after: other.place).map { $0 - other.place.address } ?? other.size)
      } else {
        matches[frame] = .unknown
      }
    }
    return matches
  }

  private func isEqual(_ one: UnsafeBufferPointer<CChar>, _ other: UnsafePointer<CChar>) -> Bool {
    one.baseAddress.map { strcmp($0, other) == 0 } ?? false
  }

  /// Whether a kernel would print that size for the symbol.
  private func hasSize(_ size: UInt64, _ symbol: Symbol) -> Bool {
    if size == symbol.size { return true }
    guard let next = next(after: symbol.place) else {
      // The last one of its section: the kernel sees the distance to the section that it has loaded next.
      return size >= symbol.size
    }
    return next - symbol.place.address == size
  }

  /// The address of the next symbol in the same section.
  private func next(after place: Place) -> UInt64? {
    var (low, high) = (0, places.count)
    while low < high {
      let middle = (low + high) / 2
      if places[middle] <= place { low = middle + 1 } else { high = middle }
    }
    guard low < places.count, places[low].section == place.section else { return nil }
    return places[low].address
  }
}
