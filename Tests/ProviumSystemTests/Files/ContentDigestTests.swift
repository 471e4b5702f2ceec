import Glibc
import ProviumSystem
import Testing

@Suite("Content digests") struct ContentDigestTests {
  @Test("a content digest depends on every byte and not on holes") func contentDigest() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/file"
    func digest(_ bytes: [UInt8], at offset: Int, of size: Int) throws -> String {
      try? Files.removeTree(path)
      let file = try Descriptor.open(path, O_RDWR | O_CREAT)
      #expect(ftruncate(file.raw, off_t(size)) == 0)
      #expect(pwrite(file.raw, bytes, bytes.count, off_t(offset)) == bytes.count)
      return try Files.contentDigest(path)
    }
    let size = 1 << 20
    let sparse = try digest([7], at: 700_001, of: size)
    var whole = [UInt8](repeating: 0, count: size)
    whole[700_001] = 7
    #expect(try digest(whole, at: 0, of: size) == sparse)
    #expect(sparse.utf8.count == 64)
    // Another value, another offset in the page, another page, and bytes on both sides of a page's end.
    var others = try [
      digest([8], at: 700_001, of: size), digest([7], at: 700_002, of: size),
      digest([7], at: 700_001 + 4096, of: size), digest([7, 0, 7], at: 700_001, of: size),
    ]
    for offset in [0, 4095, 4096, 131_071, 131_072, size - 1] {
      others.append(try digest([1], at: offset, of: size))
    }
    // A page that the file's end cuts.
    others.append(try digest([1], at: 4097, of: 4098))
    others.append(try digest([1], at: 4099, of: 4100))
    #expect(Set(others + [sparse]).count == others.count + 1)
    #expect(try digest([], at: 0, of: 0) == digest([], at: 0, of: size), "zeros are not part of it")
    #expect(throws: SystemError.self) { try Files.contentDigest("\(scratch.path)/none") }
  }
}
