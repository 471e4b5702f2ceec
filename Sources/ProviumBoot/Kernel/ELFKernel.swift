import ProviumSystem

/// An ELF file as a kernel: QEMU enters a vmlinux where its PVH note says, and has no other way in.
///
/// ```text
/// ELF64 header: class u8 @4 · type u16 @16 · machine u16 @18 · phoff u64 @32 · phentsize u16 @54 · phnum u16 @56
/// program header: type u32 @0 · offset u64 @8 · filesz u64 @32
/// note: namesz u32 · descsz u32 · type u32 · name, padded to 4 · descriptor, padded to 4
/// ```
enum ELFKernel {
  static let magic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46]

  private static let class64: UInt8 = 2
  private static let typeExecutable: UInt64 = 2
  private static let machineX86_64: UInt64 = 62
  private static let segmentNote: UInt64 = 4
  /// `XEN_ELFNOTE_PHYS32_ENTRY`, of the owner `Xen` (include/xen/interface/elfnote.h).
  private static let noteEntry: UInt64 = 18
  /// Notes of a kernel are some hundred bytes.
  private static let noteLimit: UInt64 = 1 << 20

  /// Why QEMU cannot boot the file; nil when it can.
  /// - Parameter head: the file's first bytes, with its program headers.
  static func problem(_ path: String, _ head: [UInt8]) throws -> String? {
    try problem(head) { try Files.read(path, from: $0, count: $1) }
  }

  /// The same for a whole file in memory.
  static func problem(_ file: [UInt8]) -> String? {
    problem(file) { offset, count in
      offset <= UInt64(file.count) ? Array(file[Int(offset)...].prefix(count)) : []
    }
  }

  private static func problem(_ head: [UInt8], read: (UInt64, Int) throws -> [UInt8]) rethrows -> String? {
    guard head.count >= 64, head[4] == class64, number(head, 18, 2) == machineX86_64 else {
      return "it is an ELF file, but no vmlinux for x86_64"
    }
    guard number(head, 16, 2) == typeExecutable else { return "it is an ELF program or library, no vmlinux" }
    let table = number(head, 32, 8), size = number(head, 54, 2), count = number(head, 56, 2)
    guard size >= 56, table < 1 << 32, table + size * count <= UInt64(head.count) else {
      return "its program headers lie outside the file"
    }
    for index in 0..<count {
      let entry = Int(table + index * size)
      guard number(head, entry, 4) == segmentNote else { continue }
      let length = number(head, entry + 32, 8)
      guard length <= noteLimit else { continue }
      if hasEntry(try read(number(head, entry + 8, 8), Int(length))) { return nil }
    }
    return "it is an ELF file without a PVH note (a vmlinux built without CONFIG_PVH, or no kernel): "
      + "use the kernel's bzImage"
  }

  private static func hasEntry(_ notes: [UInt8]) -> Bool {
    var place = 0
    while place + 12 <= notes.count {
      let nameSize = Int(number(notes, place, 4)), size = Int(number(notes, place + 4, 4))
      if number(notes, place + 8, 4) == noteEntry, notes[(place + 12)...].starts(with: Array("Xen\0".utf8)) {
        return true
      }
      place += 12 + (nameSize + 3) / 4 * 4 + (size + 3) / 4 * 4
    }
    return false
  }

  /// Little-endian.
  private static func number(_ bytes: [UInt8], _ at: Int, _ width: Int) -> UInt64 {
    (0..<width).reduce(0) { $0 | UInt64(bytes[at + $1]) << (8 * UInt64($1)) }
  }
}
