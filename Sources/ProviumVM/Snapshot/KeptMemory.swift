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

  /// Makes the whole memory of a snapshot in a new file. Only blocks that are not zero take room.
  package static func assemble(_ snapshot: Snapshot, to path: String) throws {
    guard snapshot.kept == .changes else {
      return try Files.copySparse(snapshot.memoryPath, to: path)
    }
    try Files.copySparse("\(snapshot.folder)/base", to: path)
    let source = "\(snapshot.folder)/changes"
    let changes = try Descriptor.open(source, O_RDONLY)
    let memory = try Descriptor.open(path, O_WRONLY)
    let size = Files.size(path) ?? 0
    var header = [UInt64](repeating: 0, count: 2)
    var buffer = [UInt8](repeating: 0, count: MemoryWriter.piece)
    while true {
      let got = header.withUnsafeMutableBytes { MemoryWriter.readAll(changes.raw, $0) }
      if got == 0 { return }
      var (offset, rest) = (header[0].littleEndian, header[1].littleEndian)
      guard got == 16, offset <= size, rest <= size - offset else {
        throw SystemError("read the changed pages in", source, Errno(EINVAL))
      }
      while rest > 0 {
        let count = min(Int(rest), buffer.count)
        let isRead = buffer.withUnsafeMutableBytes { room in
          MemoryWriter.readAll(changes.raw, UnsafeMutableRawBufferPointer(rebasing: room[..<count])) == count
        }
        guard isRead else { throw SystemError("read the changed pages in", source, Errno(EINVAL)) }
        try buffer.withUnsafeBytes {
          try MemoryWriter.write(
            UnsafeRawBufferPointer(rebasing: $0[..<count]),
            to: memory.raw,
            at: offset,
            path
          )
        }
        offset += UInt64(count)
        rest -= UInt64(count)
      }
    }
  }
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
