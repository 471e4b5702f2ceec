import ProviumSystem

/// The build ID of an ELF file: the note `NT_GNU_BUILD_ID`.
enum BuildID {
  private static let longest: UInt64 = 1 << 20
  /// `SHT_NOTE` of elf(5).
  private static let noteSection: UInt32 = 7
  private static let noteType: UInt32 = 3

  /// Returns hexadecimal digits; nil: the file has none, or is no ELF64 file.
  static func read(_ path: String) -> String? {
    guard let sections = ELFSections(path) else { return nil }
    for section in sections.all where section.type == noteSection && section.size <= longest {
      if let id = sections.contents(of: section).flatMap(inNotes) { return id }
    }
    return nil
  }

  /// The build ID in the bytes of notes, as `/sys/kernel/notes` has them.
  static func inNotes(_ notes: [UInt8]) -> String? {
    var place = 0
    while let nameSize: UInt32 = notes.integer(at: place), let length: UInt32 = notes.integer(at: place + 4),
      let type: UInt32 = notes.integer(at: place + 8)
    {
      let dataAt = place + 12 + (Int(nameSize) + 3) / 4 * 4
      guard dataAt + Int(length) <= notes.count else { break }
      if type == noteType, notes[(place + 12)...].starts(with: Array("GNU\0".utf8)) {
        return Hex.text(Array(notes[dataAt..<dataAt + Int(length)]))
      }
      place = dataAt + (Int(length) + 3) / 4 * 4
    }
    return nil
  }
}
