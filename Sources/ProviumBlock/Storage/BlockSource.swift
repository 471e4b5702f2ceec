/// Contents of some of a disk's blocks, which a layer can take over.
protocol BlockSource {
  /// The blocks that the source has.
  var map: BlockMap { get }
  /// Reads blocks in the state `data` in pieces: calls `body` with the offset of each on the disk.
  func forEachPiece(of run: Range<Int>, _ body: (Int, UnsafeRawBufferPointer) throws -> Void) throws
}
