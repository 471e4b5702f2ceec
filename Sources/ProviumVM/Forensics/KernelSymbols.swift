import Glibc
import ProviumSystem

/// The symbols of a stopped guest's kernel, from the kallsyms tables in its memory (kernel/kallsyms.c, scripts/kallsyms.c of Linux),
/// whose places VMCOREINFO has from Linux 6.0 on.
package struct KernelSymbols: Sendable {
  package struct Symbol: Sendable, Hashable {
    let address: UInt64
    /// As nm(1) shows it.
    let kind: UInt8
    let name: [UInt8]
  }
  package let all: [Symbol]

  private static let mostSymbols = 1 << 20
  private static let longestNames = 64 << 20

  /// nil: the kernel has no tables, or their places are not known.
  package init?(_ kernel: KernelInformation) {
    func place(_ name: String) -> UInt64? { kernel.symbol("kallsyms_\(name)") }
    func table(_ name: String, _ size: Int) -> [UInt8]? { place(name).flatMap { kernel.read($0, size) } }
    guard let count: UInt32 = table("num_syms", 4)?.integer(at: 0), count > 0, count <= Self.mostSymbols,
      let base: UInt64 = table("relative_base", 8)?.integer(at: 0),
      let offsets = table("offsets", Int(count) * 4),
      let index = table("token_index", 512), let tokens = table("token_table", 1 << 16),
      let names = place("names")
    else { return nil }
    let words = (0..<256).map { number -> ArraySlice<UInt8> in
      let start = Int(index.integer(at: number * 2, as: UInt16.self) ?? 0)
      guard start < tokens.count else { return [] }
      return tokens[start...].prefix { $0 != 0 }
    }
    let values = (0..<Int(count)).map { offsets.integer(at: $0 * 4, as: Int32.self) ?? 0 }
    // CONFIG_KALLSYMS_ABSOLUTE_PERCPU: addresses are negative, and other values are absolute.
    let hasAbsolute = values.contains { $0 < 0 }
    var symbols: [Symbol] = []
    symbols.reserveCapacity(values.count)
    var stream = NameStream(kernel, at: names, limit: Self.longestNames)
    for value in values {
      guard var length = stream.next().map(Int.init) else { return nil }
      if length & 0x80 != 0 {
        guard let more = stream.next() else { return nil }
        length = length & 0x7f | Int(more) << 7
      }
      var name: [UInt8] = []
      for _ in 0..<length {
        guard let token = stream.next() else { return nil }
        name += words[Int(token)]
      }
      guard let kind = name.first else { continue }
      let address =
        !hasAbsolute
        ? base &+ UInt64(UInt32(bitPattern: value))
        : value >= 0 ? UInt64(value) : base &- 1 &- UInt64(bitPattern: Int64(value))
      symbols.append(Symbol(address: address, kind: kind, name: Array(name.dropFirst())))
    }
    all = symbols
  }

  package func address(of name: String) -> UInt64? {
    let bytes = Array(name.utf8)
    return all.first { $0.name == bytes }?.address
  }

  /// Reads the table of names, whose size is not known, in pieces.
  private struct NameStream {
    private let kernel: KernelInformation
    private var address: UInt64
    private var rest: Int
    private var piece: [UInt8] = []
    private var place = 0

    init(_ kernel: KernelInformation, at address: UInt64, limit: Int) {
      self.kernel = kernel
      self.address = address
      rest = limit
    }

    mutating func next() -> UInt8? {
      if place == piece.count {
        guard rest > 0, let read = kernel.read(address, 4096) else { return nil }
        piece = read
        place = 0
        address += 4096
        rest -= 4096
      }
      defer { place += 1 }
      return piece[place]
    }
  }
}

/// An ELF file with symbols alone, for debuggers.
package enum SymbolFile {
  /// Writes the symbols, in the order of their addresses.
  /// - Parameter machine: `e_machine` of elf(5).
  package static func write(_ symbols: KernelSymbols, machine: UInt16, to path: String) throws {
    let sorted = symbols.all.sorted { $0.address < $1.address }
    guard let start = symbols.address(of: "_stext"), let textEnd = symbols.address(of: "_etext"),
      let end = symbols.address(of: "_end"), start < textEnd, textEnd <= end
    else { throw SystemError("find the bounds of the kernel's text for", path, Errno(EINVAL)) }
    var table = ELFBytes(), strings = ELFBytes()
    table.zeros(24)
    strings.byte(0)
    for (index, symbol) in sorted.enumerated() {
      let isFunction = "tTwW".utf8.contains(symbol.kind)
      let next = index + 1 < sorted.count ? sorted[index + 1].address : end
      let isGlobal = symbol.kind < 0x60
      table.u32(UInt32(strings.bytes.count))
      table.byte((isGlobal ? 1 : 0) << 4 | (isFunction ? 2 : 0))
      table.byte(0)
      // SHN_ABS for what is not in the image.
      table.u16(symbol.address < start ? 0xfff1 : symbol.address < textEnd ? 1 : 2)
      table.u64(symbol.address)
      table.u64(isFunction ? next - symbol.address : 0)
      strings.bytes += symbol.name
      strings.byte(0)
    }
    let names = Array("\0.text\0.data\0.symtab\0.strtab\0.shstrtab\0".utf8)
    let tableAt = 64 + 56, stringsAt = tableAt + table.bytes.count
    let namesAt = stringsAt + strings.bytes.count
    let sectionsAt = (namesAt + names.count + 7) / 8 * 8
    var file = ELFBytes()
    file.header(
      type: 2,
      machine: machine,
      entry: start,
      sections: UInt64(sectionsAt),
      segmentCount: 1,
      sectionCount: 6,
      names: 5
    )
    file.segment(
      type: 1,
      flags: 5,
      offset: 0,
      address: start,
      physical: start,
      fileSize: 0,
      size: end - start,
      align: 4096
    )
    file.bytes += table.bytes + strings.bytes + names
    file.zeros(sectionsAt - file.bytes.count)
    file.zeros(64)
    let total = UInt64(sorted.count + 1)
    // SHT_NOBITS 8, SHT_SYMTAB 2, SHT_STRTAB 3.
    file.section(name: 1, type: 8, flags: 6, address: start, offset: 0, size: textEnd - start, align: 4096)
    file.section(name: 7, type: 8, flags: 3, address: textEnd, offset: 0, size: end - textEnd, align: 4096)
    file.section(
      name: 13,
      type: 2,
      offset: tableAt,
      size: total * 24,
      link: 4,
      information: UInt32(clamping: total),
      align: 8,
      entry: 24
    )
    file.section(name: 21, type: 3, offset: stringsAt, size: UInt64(strings.bytes.count))
    file.section(name: 29, type: 3, offset: namesAt, size: UInt64(names.count))
    try Files.write(file.bytes, to: path)
  }
}
