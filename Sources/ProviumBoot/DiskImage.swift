import ProviumSystem

/// Files that a disk's contents lie in: the image, and those that a qcow2 image takes from others.
///
///     qcow2, big-endian    0  "QFI\u{fb}"    4  u32 version    8  u64 offset of the backing file's name    16  u32 its length
///     72  u64 incompatible features, from version 3; bit 2: the data lie in a file of their own
///
/// Layout: QEMU's docs/interop/qcow2.txt.
package struct DiskImage {
  /// Absolute paths: the file that it takes from, the one that that takes from, and so on. The image itself is not among them.
  package let chain: [String]

  /// Why an image's contents cannot be told from files.
  package struct Failure: Error, Sendable, CustomStringConvertible {
    package let description: String
  }

  /// - Parameter format: `raw`, `qcow2`; a raw image is taken for itself, whatever it begins with.
  package init(_ path: String, format: String) throws {
    guard format == "qcow2" else {
      chain = []
      return
    }
    var chain: [String] = []
    var next = try Self.backing(of: path)
    while let file = next {
      guard file != path, !chain.contains(file) else {
        throw Failure(description: "the disk image \(path) takes its contents from itself, by way of \(file)")
      }
      guard Files.exists(file) else {
        throw Failure(
          description:
            "the disk image \(chain.last ?? path) takes its contents from \(file), which is not there"
        )
      }
      chain.append(file)
      next = try Self.backing(of: file)
    }
    self.chain = chain
  }

  private static let magic: [UInt8] = [0x51, 0x46, 0x49, 0xFB]
  private static let externalData: UInt64 = 1 << 2

  /// The file that this one takes from, as QEMU looks for it: against its own folder.
  private static func backing(of path: String) throws -> String? {
    let head = try Files.readHead(path, 80)
    guard head.starts(with: magic), head.count == 80 else { return nil }
    func number(_ offset: Int, _ size: Int) -> UInt64 {
      head[offset..<offset + size].reduce(0) { $0 << 8 | UInt64($1) }
    }
    if number(4, 4) >= 3, number(72, 8) & externalData != 0 {
      throw Failure(
        description:
          "the disk image \(path) keeps its data in a file of its own, which a fixture cannot copy; "
          + "convert it with: qemu-img convert -O qcow2"
      )
    }
    let (start, length) = (number(8, 8), number(16, 4))
    guard start != 0, length != 0 else { return nil }
    // The name is in the first cluster, of 2 MiB at most, and has 1023 bytes at most.
    guard length <= 1023, start <= 2 << 20 else {
      throw Failure(description: "the disk image \(path) is damaged: it names no file that it takes from")
    }
    let bytes = try Files.readHead(path, Int(start + length)).dropFirst(Int(start))
    let name = String(decoding: bytes, as: UTF8.self)
    // QEMU takes text before a colon, without a slash, for a protocol.
    guard let colon = name.firstIndex(of: ":"), !name[..<colon].contains("/") else {
      return Files.resolve(name, against: Files.parent(of: path))
    }
    guard name.hasPrefix("file:") else {
      throw Failure(
        description: "the disk image \(path) takes its contents from '\(name)'; only files are supported"
      )
    }
    return Files.resolve(String(name.dropFirst(5)), against: Files.parent(of: path))
  }
}
