import ProviumSystem

/// The layout of an RPM package: a lead of 96 bytes, a header with signatures, a header with the package's facts, and a
/// compressed cpio archive (docs/manual/format.md of RPM).
enum RPMPackage {
  private static let leadSize = 96
  private static let leadMark: [UInt8] = [0xED, 0xAB, 0xEE, 0xDB]
  private static let headerMark: [UInt8] = [0x8E, 0xAD, 0xE8, 0x01]
  /// RPM's own bounds of a header: entries, and bytes of data.
  private static let mostEntries = 0xffff
  private static let mostData = 256 << 20

  /// Finds the archive of a package.
  /// - Returns: the bytes before it.
  static func archiveOffset(in path: String, name: String) throws(ShareProblem) -> Int {
    func problem(_ reason: String) -> ShareProblem { ShareProblem("\(name) cannot be unpacked: \(reason)") }
    let lead = try read(path, at: 0, Self.leadSize, name)
    guard lead.starts(with: leadMark) else { throw problem("it is no RPM package") }
    guard lead.count == leadSize else { throw problem("it is cut short in its lead") }
    // The type of package: 0 is binary, 1 is source.
    guard lead[6] == 0, lead[7] == 0 else { throw problem("it is a source package, without a kernel") }
    var offset = leadSize
    for number in 0..<2 {
      let head = try read(path, at: offset, 16, name)
      guard head.count == 16 else { throw problem("it is cut short in its headers") }
      guard head.starts(with: headerMark) else { throw problem("one of its headers is damaged") }
      let entries = bigEndian(head[8..<12]), data = bigEndian(head[12..<16])
      guard entries <= mostEntries, data <= mostData else { throw problem("one of its headers is damaged") }
      offset += 16 + 16 * entries + data
      // The header with signatures is padded to 8 bytes.
      if number == 0 { offset += (8 - offset % 8) % 8 }
    }
    guard let size = Files.size(path), size > offset else { throw problem("it is cut short in its headers") }
    return offset
  }

  private static func read(_ path: String, at offset: Int, _ count: Int, _ name: String) throws(ShareProblem)
    -> [UInt8]
  {
    do { return try Files.read(path, from: UInt64(offset), count: count) } catch {
      throw ShareProblem("cannot read \(name): \(error)")
    }
  }

  private static func bigEndian(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
}
