import ProviumSystem
import Testing

@Suite("A sparse copy") struct SparseCopyTests {
  @Test(
    "a sparse copy has the same bytes, and only its nonzero pages take room",
    arguments: [0, 1, 4095, 4096, 4097]
  )
  func pages(tail: Int) throws {
    let scratch = try Scratch()
    let page = 4096
    var bytes = [UInt8](repeating: 0, count: 80 * page + tail)
    for at in [0, 3 * page + 17, 33 * page, 34 * page, 79 * page + page - 1] { bytes[at] = 7 }
    if tail > 0 { bytes[bytes.count - 1] = 9 }
    let (source, copy) = ("\(scratch.path)/source", "\(scratch.path)/copy")
    try Files.write(bytes, to: source)
    try Files.copySparse(source, to: copy)
    #expect(try Files.read(copy) == bytes)
    #expect(Files.blocks(copy) <= UInt64(8 * page), "\(Files.blocks(copy)) bytes on the disk")
  }
}
