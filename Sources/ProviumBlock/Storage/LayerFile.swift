import Glibc
import ProviumSystem

/// A file with contents of a disk at the disk's own offsets. Thread-safe; the caller orders reads and writes.
package final class LayerFile: Sendable {
  /// For messages.
  let path: String
  private let file: Descriptor

  /// Opens an image or a saved layer for reading.
  package init(reading path: String) throws {
    self.path = path
    file = try Descriptor.open(path, O_RDONLY)
  }

  /// Makes an empty sparse file in `folder` that is removed with this object, also when the process is killed.
  package init(temporaryIn folder: String) throws {
    path = folder
    file = try Descriptor.temporaryFile(in: folder)
  }

  /// The size of the file in bytes.
  func size() throws -> UInt64 {
    var status = stat()
    guard fstat(file.raw, &status) == 0 else { throw SystemError("read the size of", path) }
    return UInt64(status.st_size)
  }

  /// Fills the buffer. Bytes after the end of the file are zeroes.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
    var done = 0
    while done < buffer.count {
      let count = pread(file.raw, buffer.baseAddress.map { $0 + done }, buffer.count - done, offset + done)
      if count < 0 {
        if errno == EINTR { continue }
        throw SystemError("read", path)
      }
      if count == 0 {
        UnsafeMutableRawBufferPointer(rebasing: buffer[done...]).initializeMemory(
          as: UInt8.self,
          repeating: 0
        )
        return
      }
      done += count
    }
  }

  func write(at offset: Int, _ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      let count = pwrite(file.raw, bytes.baseAddress.map { $0 + done }, bytes.count - done, offset + done)
      if count < 0 {
        if errno == EINTR { continue }
        throw SystemError("write", path)
      }
      done += count
    }
  }

  private static let pieceSize = 1 << 20

  /// Reads a range in pieces of at most 1 MiB: calls `body` with the position of each in the range.
  func forEachPiece(of offset: Int, _ count: Int, _ body: (Int, UnsafeRawBufferPointer) throws -> Void) throws
  {
    let size = min(count, Self.pieceSize)
    try withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { buffer in
      var position = 0
      while position < count {
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(size, count - position)])
        try read(at: offset + position, into: piece)
        try body(position, UnsafeRawBufferPointer(piece))
        position += piece.count
      }
    }
  }

  /// Gives the room of a range back. The range reads as zeroes where the file system supports holes; callers do not rely on
  /// it.
  func release(at offset: Int, count: Int) {
    file.releaseRoom(at: offset, count: count)
  }

  /// Gives all room back.
  func releaseAll() { _ = ftruncate(file.raw, 0) }

  /// Copies the contents to a new file. Blocks of zeroes take no room in it.
  func copy(to target: String) throws { try Files.copySparse("/proc/self/fd/\(file.raw)", to: target) }
}
