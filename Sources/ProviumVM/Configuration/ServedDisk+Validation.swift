import ProviumSystem

extension ServedDisk {
  private static let largestSize: UInt64 = 16 << 40
  private static let longestName = 20

  /// The reason why no VM can have the disk; nil if a VM can.
  var problem: InvalidConfiguration.Problem? {
    let letters = id.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    guard letters, !id.isEmpty, id.utf8.count <= Self.longestName else {
      return .expected("an id of 1 to \(Self.longestName) letters, digits, '-' and '_'", given: "'\(id)'")
    }
    guard sectorSize == 512 || sectorSize == 4096 else {
      return .expected("of sectors of 512 or 4096 bytes", given: "\(sectorSize)")
    }
    guard size > 0, size <= Self.largestSize, size % UInt64(sectorSize) == 0 else {
      return .expected(
        "of a size of 1 byte to 16T in whole sectors of \(sectorSize) bytes",
        given: "\(size) bytes"
      )
    }
    guard let image else { return nil }
    if !Files.exists(image) { return .expected("of an image that exists", given: image) }
    guard Files.isRegularFile(image) else {
      let kind = Files.isDirectory(image) ? "a directory" : "a device, socket or pipe"
      return .expected("of an image that is a regular file", given: "\(image), which is \(kind)")
    }
    if let length = Files.size(image), length > size {
      return .expected("at least as large as its image of \(length) bytes", given: "\(size) bytes")
    }
    return nil
  }
}
