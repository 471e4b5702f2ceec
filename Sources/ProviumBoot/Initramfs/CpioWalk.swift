import ProviumSystem

/// Checks that a newc archive is whole, header by header: a kernel takes the bytes after a cut archive for its missing rest.
///
/// ```text
/// "070701" · 13 fields of 8 hex digits: ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor
/// namesize check · name with its NUL, padded to 4 · contents, padded to 4
/// ```
/// (Documentation/driver-api/early-userspace/buffer-format.rst)
enum CpioWalk {
  private static let headerSize = InitrdFormat.cpioHeaderSize
  private static let fieldSize = 8
  private static let sizeField = 6
  private static let nameField = 11
  /// `PATH_MAX`: the kernel takes no longer name.
  private static let nameLimit = 4096
  private static let magics = [Array("070701".utf8), Array("070702".utf8)]

  /// Up to the end, or to what follows the archive and is none: the compressed main part behind a processor's microcode.
  /// - Throws: `InitrdFormat.Unusable` with the place of what is wrong.
  static func check(_ archive: [UInt8]) throws(InitrdFormat.Unusable) {
    var place = 0
    while place < archive.count {
      if archive[place] == 0 {
        place += 1
        continue
      }
      // Members begin at multiples of four; other bytes begin another part.
      guard place % 4 == 0, magics.contains(where: { archive[place...].starts(with: $0) }) else { return }
      guard let name = field(nameField, archive, place), let size = field(sizeField, archive, place) else {
        throw fault("its header at byte \(place) is no newc header", archive)
      }
      guard (1...nameLimit).contains(name) else {
        throw fault("its header at byte \(place) gives a name of \(name) bytes", archive)
      }
      // The last member's padding may be missing: zeros follow.
      let end = size == 0 ? place + headerSize + name : padded(place + headerSize + name) + size
      guard end <= archive.count else {
        let text = String(decoding: archive[(place + headerSize)...].prefix(name - 1), as: UTF8.self)
        throw fault("it is cut short within '\(text)'", archive)
      }
      place = padded(end)
    }
  }

  private static func field(_ number: Int, _ archive: [UInt8], _ place: Int) -> Int? {
    let start = place + 6 + number * fieldSize
    guard place + headerSize <= archive.count else { return nil }
    return Int(String(decoding: archive[start..<start + fieldSize], as: UTF8.self), radix: 16)
  }

  private static func padded(_ length: Int) -> Int { (length + 3) / 4 * 4 }

  private static func fault(_ what: String, _ archive: [UInt8]) -> InitrdFormat.Unusable {
    InitrdFormat.Unusable(reason: "\(what) (the file has \(archive.count) bytes)")
  }
}
