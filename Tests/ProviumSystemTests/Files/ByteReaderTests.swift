import ProviumSystem
import Testing

@Suite("A byte reader") struct ByteReaderTests {
  private let bytes: [UInt8] = [1, 2, 3, 4, 5]

  @Test("integers are read at any offset, in both byte orders") func orders() {
    #expect(bytes.integer(at: 1, as: UInt16.self) == 0x0302)
    #expect(bytes.integer(at: 1, as: UInt32.self) == 0x0504_0302)
    #expect(bytes.integer(at: 1, as: UInt32.self, .bigEndian) == 0x0203_0405)
  }

  @Test("a read beyond the bytes gives nil", arguments: [-1, 2, 5, .max, .min])
  func bounds(_ offset: Int) { #expect(bytes.integer(at: offset, as: UInt32.self) == nil) }

  @Test("a value that is larger than all bytes gives nil") func small() {
    #expect(bytes.integer(at: 0, as: UInt64.self) == nil)
    #expect([UInt8]().integer(at: 0, as: UInt8.self) == nil)
  }
}
