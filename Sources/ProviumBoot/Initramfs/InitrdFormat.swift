/// How a user's initrd is packed, by its first bytes (the kernel's lib/decompress.c and init/initramfs.c).
package enum InitrdFormat: String, Sendable, CaseIterable {
  case cpio, gzip, bzip2, lzma, xz, lzo, lz4, zstd

  /// Bytes of the header of a newc archive's member.
  static let cpioHeaderSize = 110

  /// Bytes that `detect` looks at: the longest header, and no format has a file that is shorter than its own.
  package static let headSize = cpioHeaderSize

  /// The fewest bytes that a file of the format has: header and trailer around nothing.
  private var shortest: Int {
    switch self {
    case .cpio: Self.cpioHeaderSize
    case .gzip: 18
    case .bzip2: 14
    case .lzma: 18
    case .xz: 32
    case .zstd: 9
    case .lz4: 8
    // The shortest header and an end mark (lib/decompress_unlzo.c, HEADER_SIZE_MIN).
    case .lzo: 37
    }
  }

  /// - Parameter head: the first `headSize` bytes, or the whole file where it has fewer.
  /// - Throws: the reason, for what no kernel can unpack.
  package static func detect(_ head: [UInt8]) throws(Unusable) -> InitrdFormat {
    let format = try magic(head)
    guard head.count >= format.shortest else {
      throw Unusable(reason: "it is cut short: the beginning of a \(format) file of only \(head.count) bytes")
    }
    return format
  }

  /// The first bytes of a file of lzop.
  private static let lzopMagic: [UInt8] = [0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a]

  private static func magic(_ head: [UInt8]) throws(Unusable) -> InitrdFormat {
    func starts(_ magic: [UInt8]) -> Bool { head.starts(with: magic) }
    if head.isEmpty { throw Unusable(reason: "it is empty") }
    if starts(Array("070701".utf8)) || starts(Array("070702".utf8)) { return .cpio }
    if starts(Array("070707".utf8)) {
      throw Unusable(
        reason: "it is an old (odc) cpio archive; the kernel reads only newc: pack it with cpio -H newc"
      )
    }
    if starts([0x1f, 0x8b]) || starts([0x1f, 0x9e]) { return .gzip }
    if starts([0x42, 0x5a, 0x68]) { return .bzip2 }
    if starts([0x5d, 0x00]) { return .lzma }
    if starts(lzopMagic) { return .lzo }
    if starts([0x28, 0xb5, 0x2f, 0xfd]) { return .zstd }
    if starts([0x02, 0x21, 0x4c, 0x18]) { return .lz4 }
    if starts([0x04, 0x22, 0x4d, 0x18]) {
      throw Unusable(
        reason: "it is an lz4 frame; the kernel reads only the legacy format: pack it with lz4 -l"
      )
    }
    if starts([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) {
      // Stream flags: the second byte's low half is the check (xz file format, section 2.1.1.2).
      let check = head.count > 7 ? head[7] & 0x0f : 0
      guard check <= 1 else {
        throw Unusable(
          reason:
            "it is xz with a check the kernel does not know (\(check == 4 ? "crc64" : "sha256")): pack it with xz --check=crc32"
        )
      }
      return .xz
    }
    throw Unusable(
      reason: "it is no initramfs: neither a cpio archive nor gzip, bzip2, lzma, xz, lzo, lz4 or zstd"
    )
  }

  /// Why a file cannot be an initrd.
  package struct Unusable: Error, Hashable, CustomStringConvertible {
    package let reason: String
    package var description: String { reason }
  }
}

/// Puts an archive behind a user's initrd, so that the kernel unpacks both.
package enum InitrdJoin {
  /// Zeros between the two: four, and then up to a multiple of 512. Fewer make the kernel see broken padding behind
  /// a cpio of odd length, or feed the second archive to the lz4 decoder.
  package static func padding(after length: Int) -> Int {
    length == 0 ? 0 : 4 + (512 - (length + 4) % 512) % 512
  }
}
