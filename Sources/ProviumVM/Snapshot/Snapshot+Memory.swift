import Glibc
import ProviumSystem

/// The memory of VMs that were kept while they lived on.
extension Snapshot {
  /// Makes the whole memory of a kept VM in a new file. Only blocks that are not zero take room.
  package func assembleMemory(to path: String) throws {
    guard kept == .changes else {
      return try Files.copySparse(memoryPath, to: path)
    }
    try Files.copySparse("\(folder)/base", to: path)
    let source = "\(folder)/changes"
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
