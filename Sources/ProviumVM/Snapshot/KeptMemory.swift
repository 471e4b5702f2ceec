import Glibc
import ProviumSystem

/// The form of the memory of a VM that was kept while it lived on.
///
///     FOLDER/memory     all of it, sparse
///     FOLDER/base       the memory of the snapshot that the VM was resumed from
///     FOLDER/changes    the pages that it has changed since: runs of `offset u64 | length u64 | bytes`, little-endian
package enum KeptMemory: String, Sendable, Codable, Hashable {
  case whole
  case changes

  static let changesNames = ["base", "changes"]
}

/// Reading and writing of memory files in pieces.
enum MemoryWriter {
  static let piece = 1 << 20

  /// Reads until the buffer is full or the file ends.
  static func readAll(_ descriptor: Int32, _ room: UnsafeMutableRawBufferPointer) -> Int {
    var done = 0
    while done < room.count {
      let count = read(descriptor, room.baseAddress.map { $0 + done }, room.count - done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      done += count
    }
    return done
  }

  static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: UInt64, _ path: String)
    throws
  {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor,
        bytes.baseAddress.map { $0 + done },
        bytes.count - done,
        off_t(offset) + done
      )
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw SystemError("write", path) }
      done += count
    }
  }
}
