import Glibc
import ProviumSystem
import Testing

@testable import ProviumBoot

/// A folder with images that are nothing but heads.
private final class Images {
  let path = "/tmp/provium-images-\(getpid())-\(UInt32.random(in: 0 ... .max))"

  init() throws { try Files.createDirectories("\(path)/below") }
  deinit { try? Files.removeTree(path) }

  @discardableResult
  func qcow2(_ name: String, backing: String = "", features: UInt64 = 0, start: UInt64 = 112) throws -> String
  {
    func bytes(_ value: UInt64, _ size: Int) -> [UInt8] {
      (0..<size).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }
    var head: [UInt8] = [0x51, 0x46, 0x49, 0xFB] + bytes(3, 4)
    head += bytes(backing.isEmpty ? 0 : start, 8) + bytes(UInt64(backing.utf8.count), 4)
    head += [UInt8](repeating: 0, count: 72 - head.count) + bytes(features, 8)
    head += [UInt8](repeating: 0, count: 112 - head.count) + Array(backing.utf8)
    try Files.write(head, to: "\(path)/\(name)")
    return "\(path)/\(name)"
  }

  func raw(_ name: String) throws { try Files.write(Array("raw".utf8), to: "\(path)/\(name)") }

  func chain(_ name: String, format: String = "qcow2") throws -> [String] {
    try DiskImage("\(path)/\(name)", format: format).chain.map { String($0.dropFirst(path.count + 1)) }
  }

  func complaint(_ name: String) -> String {
    do { return "\(try chain(name))" } catch { return "\(error)" }
  }
}

@Suite("The files of a disk image") struct DiskImageTests {
  @Test("are the image alone where it takes from none") func alone() throws {
    let images = try Images()
    try images.qcow2("own")
    try images.raw("raw")
    #expect(try images.chain("own").isEmpty)
    #expect(try images.chain("raw", format: "raw").isEmpty)
    // Not even as qcow2 is a raw file one that takes from others: QEMU will say what it thinks of it.
    #expect(try images.chain("raw").isEmpty)
  }

  @Test("are all that it takes from, each against its own folder") func chain() throws {
    let images = try Images()
    try images.raw("base")
    try images.qcow2("below/middle", backing: "../base")
    try images.qcow2("top", backing: "below/middle")
    try images.qcow2("other", backing: "\(images.path)/top")
    try images.qcow2("scheme", backing: "file:top")
    #expect(try images.chain("top") == ["below/middle", "below/../base"])
    #expect(try images.chain("other") == ["top", "below/middle", "below/../base"])
    #expect(try images.chain("scheme") == ["top", "below/middle", "below/../base"])
    // Whoever says raw means the bytes of the file.
    #expect(try images.chain("top", format: "raw").isEmpty)
  }

  @Test("are refused where they are none, not there, or not to be told") func refused() throws {
    let images = try Images()
    try images.qcow2("net", backing: "nbd://host/disk")
    #expect(
      images.complaint("net").hasSuffix("takes its contents from 'nbd://host/disk'; only files are supported")
    )
    try images.qcow2("gone", backing: "nothing")
    #expect(
      images.complaint("gone").hasSuffix("takes its contents from \(images.path)/nothing, which is not there")
    )
    try images.qcow2("self", backing: "self")
    #expect(images.complaint("self").contains("takes its contents from itself"))
    try images.qcow2("data", features: 4)
    #expect(images.complaint("data").contains("keeps its data in a file of its own"))
    try images.qcow2("wild", backing: "x", start: 1 << 40)
    #expect(images.complaint("wild").contains("is damaged"))
  }
}
