import Glibc
import ProviumArchitecture
import ProviumSystem

/// A core of a stopped x86-64 guest as kdump writes it, which crash and drgn open: the registers of each processor, VMCOREINFO, the
/// kernel's text map and its map of all memory. Sparse.
package enum CoreFile {
  package struct Problem: Error, Sendable, CustomStringConvertible {
    package let description: String
  }

  private static let noteRegisters: UInt32 = 1
  /// The offset of `pr_pid` in the data of NT_PRSTATUS (struct elf_prstatus of Linux).
  private static let pidOffset = 32
  /// The kernel's text map, whose size Linux calls KERNEL_IMAGE_SIZE; more than the image is not needed.
  private static let textSize: UInt64 = 512 << 20
  private static let maps: UInt64 = 0xffff_8880_0000_0000

  /// Writes the core.
  /// - Parameters:
  ///   - registers: the ELF notes of a dump that QEMU wrote.
  ///   - pids: the process on each processor, by its number, where it is known.
  package static func write(
    _ memory: GuestMemory,
    _ kernel: KernelInformation,
    registers: [UInt8],
    pids: [Int: UInt32],
    to path: String
  ) throws {
    guard memory.architecture == .x86_64 else {
      throw Problem(description: "cores are made of x86_64 guests, and this one is \(memory.architecture)")
    }
    guard let stext = kernel.symbol("_stext"), let base = kernel.number("phys_base") else {
      throw Problem(description: "the VMCOREINFO of kernel \(kernel.release) has no _stext and phys_base")
    }
    let notes = cleaned(registers, pids: pids) + kernel.note
    var segments: [(virtual: UInt64, physical: Range<UInt64>)] = []
    let text = (stext &- KernelInformation.textMap &+ base) & ~0x1f_ffff
    if let range = memory.ranges.first(where: { $0.physical.contains(text) }) {
      let end = min(range.physical.upperBound, text + textSize)
      segments.append((text &- base &+ KernelInformation.textMap, text..<end))
    }
    let direct = directMap(kernel)
    for range in memory.ranges { segments.append((direct &+ range.physical.lowerBound, range.physical)) }
    let headerSize = 64 + 56 * (1 + segments.count)
    let dataAt = UInt64((headerSize + notes.count + 4095) / 4096 * 4096)
    func offset(_ address: UInt64) -> UInt64 {
      let range = memory.ranges.first { $0.physical.contains(address) }
      return range.map { dataAt + $0.offset + address - $0.physical.lowerBound } ?? dataAt
    }
    var head = ELFBytes()
    // ET_CORE; PT_NOTE 4, PT_LOAD 1.
    head.header(type: 4, machine: memory.architecture.elfMachine, segmentCount: UInt16(1 + segments.count))
    head.segment(
      type: 4,
      flags: 0,
      offset: UInt64(headerSize),
      address: 0,
      physical: 0,
      fileSize: UInt64(notes.count),
      size: UInt64(notes.count),
      align: 4
    )
    for segment in segments {
      let size = UInt64(segment.physical.count)
      head.segment(
        type: 1,
        flags: 7,
        offset: offset(segment.physical.lowerBound),
        address: segment.virtual,
        physical: segment.physical.lowerBound,
        fileSize: size,
        size: size,
        align: 4096
      )
    }
    head.bytes += notes
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
    let total = memory.ranges.reduce(dataAt) { $0 + UInt64($1.physical.count) }
    guard ftruncate(file.raw, off_t(total)) == 0 else { throw SystemError("size", path) }
    try head.bytes.withUnsafeBytes { try MemoryWriter.write($0, to: file.raw, at: 0, path) }
    try memory.walk { address, bytes in
      try MemoryWriter.write(bytes, to: file.raw, at: offset(address), path)
      return false
    }
  }

  /// The virtual address of physical address 0: KASLR moves it.
  private static func directMap(_ kernel: KernelInformation) -> UInt64 {
    let symbols = KernelSymbols(kernel)
    guard let place = symbols?.address(of: "page_offset_base"),
      let value: UInt64 = kernel.read(place, 8)?.integer(at: 0), value >= 0xff00_0000_0000_0000
    else { return maps }
    return value
  }

  /// The notes without QEMU's own, whose layout other readers do not know, and with the processes of the processors: drgn looks
  /// a processor's registers up by its process.
  private static func cleaned(_ notes: [UInt8], pids: [Int: UInt32]) -> [UInt8] {
    var result: [UInt8] = []
    var place = 0
    var processor = 0
    while let nameSize: UInt32 = notes.integer(at: place), let size: UInt32 = notes.integer(at: place + 4),
      let type: UInt32 = notes.integer(at: place + 8)
    {
      let dataAt = place + 12 + Int(nameSize + 3) / 4 * 4
      let end = dataAt + Int(size + 3) / 4 * 4
      guard end <= notes.count, nameSize >= 4 else { break }
      let name = notes[place + 12..<place + 16]
      var note = Array(notes[place..<end])
      if type == noteRegisters, name.elementsEqual("CORE".utf8) {
        let at = dataAt - place + pidOffset
        if let pid = pids[processor], at + 4 <= note.count {
          withUnsafeBytes(of: pid.littleEndian) { note.replaceSubrange(at..<at + 4, with: $0) }
        }
        processor += 1
      }
      if !name.elementsEqual("QEMU".utf8) { result += note }
      place = end
    }
    return result
  }

  /// The notes of an ELF core that QEMU wrote.
  package static func notes(of core: [UInt8]) -> [UInt8] {
    guard let table: UInt64 = core.integer(at: 32), let count: UInt16 = core.integer(at: 56) else {
      return []
    }
    for index in 0..<Int(count) {
      let entry = Int(clamping: table) + index * 56
      guard let type: UInt32 = core.integer(at: entry), let offset: UInt64 = core.integer(at: entry + 8),
        let size: UInt64 = core.integer(at: entry + 32)
      else { return [] }
      if type == 4, offset <= core.count, size <= UInt64(core.count) - offset {
        return Array(core[Int(offset)...].prefix(Int(size)))
      }
    }
    return []
  }
}
