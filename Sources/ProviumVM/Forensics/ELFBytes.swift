/// The bytes of a little-endian ELF64 file that is being made (elf(5)).
struct ELFBytes {
  var bytes: [UInt8] = []

  mutating func byte(_ value: UInt8) { bytes.append(value) }
  mutating func u16(_ value: UInt16) { append(value) }
  mutating func u32(_ value: UInt32) { append(value) }
  mutating func u64(_ value: UInt64) { append(value) }
  mutating func zeros(_ count: Int) { bytes += [UInt8](repeating: 0, count: max(0, count)) }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }

  /// The header. The program headers follow it.
  /// - Parameters:
  ///   - sections: the offset of the section headers; 0: none.
  ///   - names: the number of the section with the sections' names.
  mutating func header(
    type: UInt16,
    machine: UInt16,
    entry: UInt64 = 0,
    sections: UInt64 = 0,
    segmentCount: UInt16,
    sectionCount: UInt16 = 0,
    names: UInt16 = 0
  ) {
    bytes += [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    u16(type)
    u16(machine)
    u32(1)
    u64(entry)
    u64(64)
    u64(sections)
    u32(0)
    u16(64)
    u16(56)
    u16(segmentCount)
    u16(sectionCount == 0 ? 0 : 64)
    u16(sectionCount)
    u16(names)
  }

  mutating func segment(
    type: UInt32,
    flags: UInt32,
    offset: UInt64,
    address: UInt64,
    physical: UInt64,
    fileSize: UInt64,
    size: UInt64,
    align: UInt64
  ) {
    u32(type)
    u32(flags)
    for value in [offset, address, physical, fileSize, size, align] { u64(value) }
  }

  mutating func section(
    name: UInt32,
    type: UInt32,
    flags: UInt64 = 0,
    address: UInt64 = 0,
    offset: Int,
    size: UInt64,
    link: UInt32 = 0,
    information: UInt32 = 0,
    align: UInt64 = 1,
    entry: UInt64 = 0
  ) {
    u32(name)
    u32(type)
    for value in [flags, address, UInt64(offset), size] { u64(value) }
    u32(link)
    u32(information)
    u64(align)
    u64(entry)
  }
}
