/// The contents of a disk before its first write.
package enum BaseContents: Sendable {
  case zeroes
  /// A raw image, which is only read. Bytes after its end are zeroes.
  case image(LayerFile)

  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
    switch self {
    case .zeroes: buffer.initializeMemory(as: UInt8.self, repeating: 0)
    case .image(let file): try file.read(at: offset, into: buffer)
    }
  }
}
