import ProviumArchitecture
import ProviumSystem

/// The note VMCOREINFO that a kernel keeps in its memory for crash dumps (Documentation/admin-guide/kdump/vmcoreinfo.rst): where
/// its text is, and where its symbols are. Found by a search, since the guest may be dead.
package struct KernelInformation: Sendable {
  /// The whole ELF note.
  let note: [UInt8]
  private let values: [Substring: Substring]
  private let memory: GuestMemory

  private static let name = Array("VMCOREINFO\0\0OSRELEASE=".utf8)
  private static let noteHeader = 12
  private static let noteLimit = 1 << 16

  /// nil: no kernel that keeps such a note (CONFIG_CRASH_CORE, CONFIG_VMCORE_INFO) ran in the guest.
  package init?(in memory: GuestMemory) throws {
    var found: UInt64?
    try memory.walk { address, bytes in
      // The note is at the beginning of a page.
      for page in stride(from: 0, to: bytes.count - 4096 + 1, by: 4096) {
        let head = UnsafeRawBufferPointer(rebasing: bytes[page + Self.noteHeader..<page + 64])
        if head.starts(with: Self.name) {
          found = address + UInt64(page)
          return true
        }
      }
      return false
    }
    guard let found, let head = memory.read(found, Self.noteHeader),
      let nameSize: UInt32 = head.integer(at: 0), let size: UInt32 = head.integer(at: 4), nameSize == 11,
      size < Self.noteLimit, let note = memory.read(found, Self.noteHeader + 12 + Int(size + 3) / 4 * 4)
    else { return nil }
    self.note = note
    self.memory = memory
    let text = String(decoding: note[(Self.noteHeader + 12)...].prefix(Int(size)), as: UTF8.self)
    var values: [Substring: Substring] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { values[parts[0]] = parts[1] }
    }
    self.values = values
  }

  /// `6.1.0-56-cloud-amd64`
  package var release: String { values["OSRELEASE"].map { HarmlessText.line(String($0)) } ?? "" }
  /// The build ID of the vmlinux, in hexadecimal digits; nil: an older kernel.
  package var buildID: String? { values["BUILD-ID"].map { $0.lowercased() } }
  /// The offset that KASLR added to the addresses of a vmlinux.
  package var textOffset: UInt64 { values["KERNELOFFSET"].flatMap { UInt64($0, radix: 16) } ?? 0 }

  func symbol(_ name: String) -> UInt64? { values["SYMBOL(\(name))"].flatMap { UInt64($0, radix: 16) } }
  func number(_ name: String) -> UInt64? {
    values["NUMBER(\(name))"].flatMap { value in
      if let signed = Int64(value) { return UInt64(bitPattern: signed) }
      return value.hasPrefix("0x") ? UInt64(value.dropFirst(2), radix: 16) : UInt64(value)
    }
  }

  /// The virtual address of the kernel's text map on x86-64 (Documentation/arch/x86/x86_64/mm.rst).
  static let textMap: UInt64 = 0xffff_ffff_8000_0000

  /// The physical address of one in the kernel's image; nil: unknown on this architecture.
  func physical(_ address: UInt64) -> UInt64? {
    switch memory.architecture {
    case .x86_64: number("phys_base").map { address &- Self.textMap &+ $0 }
    case .aarch64: number("kimage_voffset").map { address &- $0 }
    default: nil
    }
  }

  /// Reads in the kernel's image.
  func read(_ address: UInt64, _ count: Int) -> [UInt8]? {
    physical(address).flatMap { memory.read($0, count) }
  }
}
