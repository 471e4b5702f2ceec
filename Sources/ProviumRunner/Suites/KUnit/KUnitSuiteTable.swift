import ProviumRuntime
import ProviumSystem

/// The names of KUnit suites in the files of a kernel.
///
/// The section `.kunit_test_suites` of a module has a pointer to each of its suites, as a relocation. In a vmlinux the pointers are
/// between the symbols `__kunit_suites_start` and `__kunit_suites_end`. A suite begins with its name, in 256 bytes
/// (include/kunit/test.h, include/asm-generic/vmlinux.lds.h; since Linux 6.0). Everything in the files is checked.
enum KUnitSuiteTable {
  /// Suites that run during the kernel's own initialization have a section of their own since Linux 6.8.
  private static let sections = [".kunit_test_suites", ".kunit_init_test_suites"]
  private static let symbols = [
    ("__kunit_suites_start", "__kunit_suites_end"), ("__kunit_init_suites_start", "__kunit_init_suites_end"),
  ]
  /// `sizeof(struct kunit_suite.name)`, `sizeof(Elf64_Rela)`, `sizeof(Elf64_Sym)`.
  private static let nameSize = 256, relocationSize = 24, symbolSize = 24
  /// `SHT_SYMTAB`, `SHT_RELA`, `SHT_NOBITS`.
  private static let symbolTable: UInt32 = 2, relocations: UInt32 = 4, noBits: UInt32 = 8
  /// Suites of one file: a damaged file must not take for ever.
  private static let suiteLimit = 10_000

  /// The suites of a module, in their order. nil: the module has none. Empty: their names cannot be read.
  static func suites(ofModule module: ELFSections) -> [String]? {
    let own = module.all.filter { sections.contains($0.name) && $0.size > 0 }
    guard !own.isEmpty else { return nil }
    var names: [String] = []
    for section in own {
      guard
        let table = module.all.first(where: { $0.type == relocations && $0.name == ".rela\(section.name)" }),
        let entries = module.contents(of: table), module.all.indices.contains(table.link),
        let symbols = module.contents(of: module.all[table.link])
      else { return [] }
      for start in stride(from: 0, to: entries.count - relocationSize + 1, by: relocationSize)
        .prefix(suiteLimit)
      {
        guard let info: UInt64 = entries.integer(at: start + 8),
          let addend: UInt64 = entries.integer(at: start + 16),
          let name = suite(symbol: Int(info >> 32), addend: addend, symbols, in: module)
        else { return [] }
        names.append(name)
      }
    }
    return names.uniqued()
  }

  /// The suite at a symbol of an object file: a place in one of its sections.
  private static func suite(symbol: Int, addend: UInt64, _ symbols: [UInt8], in module: ELFSections)
    -> String?
  {
    let start = symbol * symbolSize
    guard let section: UInt16 = symbols.integer(at: start + 6),
      let value: UInt64 = symbols.integer(at: start + 8), module.all.indices.contains(Int(section)),
      let bytes = module.contents(of: module.all[Int(section)], from: value &+ addend, count: nameSize)
    else { return nil }
    return name(in: bytes)
  }

  /// The suites that are built into a kernel, in their order. nil: its file does not tell, for example because it has no symbols.
  static func suites(ofKernel kernel: ELFSections) -> [String]? {
    guard let table = kernel.all.first(where: { $0.type == symbolTable }),
      kernel.all.indices.contains(table.link), let entries = kernel.contents(of: table),
      let strings = kernel.contents(of: kernel.all[table.link])
    else { return nil }
    var names: [String] = []
    for (index, (start, end)) in symbols.enumerated() {
      guard let start = address(of: start, entries, strings), let end = address(of: end, entries, strings),
        start <= end, end - start <= UInt64(suiteLimit * 8)
      else {
        // Kernels before 6.8 lack the second table.
        if index == 0 { return nil }
        continue
      }
      for place in stride(from: start, to: end, by: 8) {
        guard let bytes = bytes(at: place, 8, in: kernel), let pointer: UInt64 = bytes.integer(at: 0),
          let text = self.bytes(at: pointer, nameSize, in: kernel), let name = name(in: text)
        else { return nil }
        names.append(name)
      }
    }
    return names.uniqued()
  }

  private static func address(of name: String, _ entries: [UInt8], _ strings: [UInt8]) -> UInt64? {
    // Names may share their ends: the place in the table of strings tells the symbol.
    guard let place = strings.firstRange(of: Array("\0\(name)\0".utf8), from: 0) else { return nil }
    let wanted = UInt32(place + 1)
    for start in stride(from: 0, to: entries.count - symbolSize + 1, by: symbolSize) {
      guard let found: UInt32 = entries.integer(at: start), found == wanted else { continue }
      return entries.integer(at: start + 8)
    }
    return nil
  }

  private static func bytes(at address: UInt64, _ count: Int, in kernel: ELFSections) -> [UInt8]? {
    let section = kernel.all.first {
      $0.type != noBits && $0.address != 0 && address >= $0.address && address - $0.address < $0.size
    }
    return section.flatMap { kernel.contents(of: $0, from: address - $0.address, count: count) }
  }

  /// nil for bytes that are no name: then the table has another form than expected.
  private static func name(in bytes: [UInt8]) -> String? {
    let text = bytes.prefix { $0 != 0 }
    guard !text.isEmpty, text.count < nameSize, text.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x2F })
    else { return nil }
    return String(decoding: text, as: UTF8.self)
  }
}
