import Foundation
import ProviumSystem
import Testing

@testable import ProviumBoot

@Suite("A cpio archive") struct CpioArchiveTests {
  @Test("is newc to the byte, with parents before children") func bytes() {
    var archive = CpioArchive()
    archive.addFile("etc/x", Array("hi".utf8), mode: 0o640)
    let text = String(decoding: archive.finished(), as: UTF8.self)
    let directory =
      "070701" + "00000001" + "000041ed" + "00000000" + "00000000" + "00000001" + "00000000" + "00000000"
      + "00000000"
      + "00000000" + "00000000" + "00000000" + "00000004" + "00000000" + "etc\0" + "\0\0"
    let file =
      "070701" + "00000002" + "000081a0" + "00000000" + "00000000" + "00000001" + "00000000" + "00000002"
      + "00000000"
      + "00000000" + "00000000" + "00000000" + "00000006" + "00000000" + "etc/x\0" + "hi\0\0"
    #expect(text.hasPrefix(directory + file + "070701" + "00000000"))
    #expect(text.contains("TRAILER!!!"))
    #expect(text.utf8.count % 512 == 0)
  }

  @Test("the secret of a VM follows its initrd, in a file that only its owner can read") func secret()
    throws
  {
    let folder = "/tmp/provium-test-secret-\(getpid())"
    try Files.createDirectories(folder)
    defer { try? Files.removeTree(folder) }
    var shared = CpioArchive()
    shared.addFile("init", [1, 2, 3])
    try Files.write(shared.finished(), to: "\(folder)/shared")
    let image = BootImage(kernel: "", initrd: "\(folder)/shared", append: "")
    let path = try image.initrd(with: Array("not told".utf8), at: "\(folder)/own")
    let bytes = try Files.read(path)
    #expect(bytes.starts(with: shared.finished()))
    #expect((bytes.count - shared.finished().count) % 512 == 0)
    let text = String(decoding: bytes, as: UTF8.self)
    // A directory of mode 0700 and a file of mode 0400.
    #expect(text.contains("000041c0") && text.contains("00008100") && text.contains(".provium/secret\0"))
    #expect(text.contains("not told"))
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
  }

  @Test("is the same for the same entries") func reproducible() {
    func make() -> [UInt8] {
      var archive = CpioArchive()
      archive.addLink("bin/sh", to: "busybox")
      archive.addCharacterDevice("dev/null", major: 1, minor: 3)
      return archive.finished()
    }
    #expect(make() == make())
  }

  @Test("names a directory once, however many files lie in it") func directoriesOnce() {
    var archive = CpioArchive()
    for name in 1...3 { archive.addFile("a/b/\(name)", []) }
    let text = String(decoding: archive.finished(), as: UTF8.self)
    #expect(text.ranges(of: "\0a/b\0").count <= 1)
  }
}

@Suite("A user's initrd") struct InitrdTests {
  @Test(
    "is told by its first bytes",
    arguments: [
      (Array("070701".utf8), InitrdFormat.cpio), ([0x1f, 0x8b, 8, 0], .gzip),
      ([0x28, 0xb5, 0x2f, 0xfd], .zstd), ([0x02, 0x21, 0x4c, 0x18], .lz4),
      ([0x42, 0x5a, 0x68, 0x39], .bzip2),
      ([0x5d, 0, 0, 0x80], .lzma), ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 1], .xz),
      ([0x89, 0x4c, 0x5a, 0x4f, 0, 0x0d, 0x0a, 0x1a, 0x0a], .lzo),
    ]
  )
  func formats(head: [UInt8], expected: InitrdFormat) throws {
    #expect(try InitrdFormat.detect(head + [UInt8](repeating: 0, count: 110 - head.count)) == expected)
  }

  @Test(
    "that ends within its own header is refused",
    arguments: [
      [0x1f, 0x8b], [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], [0x28, 0xb5, 0x2f, 0xfd], [0x02, 0x21, 0x4c, 0x18],
      [0x42, 0x5a, 0x68], [0x5d, 0], [0x89, 0x4c, 0x5a, 0x4f, 0, 0x0d, 0x0a, 0x1a, 0x0a],
      Array("070701".utf8) + [UInt8](repeating: 0x30, count: 103),
    ] as [[UInt8]]
  )
  func beginning(head: [UInt8]) {
    let error = #expect(throws: InitrdFormat.Unusable.self) { try InitrdFormat.detect(head) }
    #expect(error?.reason.contains("it is cut short") == true)
  }

  @Test("in cpio format is whole, also before a part that is compressed") func whole() throws {
    var archive = CpioArchive()
    archive.addFile("kernel/x86/microcode", Array("code".utf8))
    let bytes = archive.finished()
    try CpioWalk.check(bytes)
    try CpioWalk.check(bytes + bytes)
    try CpioWalk.check(bytes + [0x1f, 0x8b, 8, 0])
    // Without the padding behind its trailer, of whatever length.
    let trailer = try #require(bytes.lastIndex(of: UInt8(ascii: "!")))
    try CpioWalk.check(Array(bytes[...(trailer + 1)]))
  }

  @Test("in cpio format that is cut, or whose header is none, is refused with the place") func cut() {
    var archive = CpioArchive()
    archive.addFile("init", [UInt8](repeating: 1, count: 1000))
    let bytes = archive.finished()
    let short = #expect(throws: InitrdFormat.Unusable.self) { try CpioWalk.check(Array(bytes.prefix(600))) }
    #expect(short?.reason.contains("it is cut short within 'init' (the file has 600 bytes)") == true)
    var broken = bytes
    broken[60] = UInt8(ascii: "x")
    let odd = #expect(throws: InitrdFormat.Unusable.self) { try CpioWalk.check(broken) }
    #expect(odd?.reason.contains("its header at byte 0 is no newc header") == true)
    broken = bytes
    broken.replaceSubrange(94..<102, with: Array("00000000".utf8))
    #expect(throws: InitrdFormat.Unusable.self) { try CpioWalk.check(broken) }
  }

  @Test(
    "that no kernel can unpack is refused, with what to do",
    arguments: [
      ([], "it is empty"), ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4], "--check=crc32"),
      ([0x04, 0x22, 0x4d, 0x18], "lz4 -l"),
      (Array("070707".utf8), "cpio -H newc"), (Array("hello".utf8), "no initramfs"),
    ] as [([UInt8], String)]
  )
  func refused(head: [UInt8], advice: String) {
    do {
      _ = try InitrdFormat.detect(head)
      Issue.record("accepted")
    } catch { #expect(error.reason.contains(advice)) }
  }

  @Test(
    "is followed by at least four zeros, up to a multiple of 512",
    arguments: [1, 4, 507, 508, 509, 512, 1000]
  )
  func padding(length: Int) {
    let padding = InitrdJoin.padding(after: length)
    #expect((length + padding) % 512 == 0)
    #expect((4..<4 + 512).contains(padding))
    #expect(InitrdJoin.padding(after: 0) == 0)
  }
}
