import Glibc
package import ProviumArchitecture
import ProviumSystem

/// The memory of a stopped guest, in a file, by its physical addresses. Its contents are not to be trusted.
package final class GuestMemory: Sendable {
  package let architecture: Architecture
  /// The ranges of physical addresses that have memory, and their places in the file.
  let ranges: [(physical: Range<UInt64>, offset: UInt64)]
  private let path: String
  /// `SEEK_DATA` and `SEEK_HOLE` of lseek(2), which Swift's Glibc lacks.
  private static let seekData: Int32 = 3
  private static let seekHole: Int32 = 4
  private let file: Descriptor

  /// - Parameter size: bytes of memory.
  package init(_ path: String, size: UInt64, architecture: Architecture) throws {
    self.path = path
    self.architecture = architecture
    file = try Descriptor.open(path, O_RDONLY)
    let start = architecture.memoryStart
    // QEMU's q35 (hw/i386/pc_q35.c): with 0xB0000000 bytes or more, those from 2 GiB on begin at 4 GiB.
    if architecture == .x86_64, size >= 0xB000_0000 {
      let low: UInt64 = 0x8000_0000, high: UInt64 = 1 << 32
      ranges = [(0..<low, 0), (high..<high + size - low, low)]
    } else {
      ranges = [(start..<start + size, 0)]
    }
  }

  /// Reads at a physical address; nil where there is no memory.
  func read(_ address: UInt64, _ count: Int) -> [UInt8]? {
    guard count >= 0,
      let range = ranges.first(where: {
        $0.physical.contains(address) && UInt64(count) <= $0.physical.upperBound - address
      })
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    let offset = off_t(range.offset + address - range.physical.lowerBound)
    let got = bytes.withUnsafeMutableBytes { pread(file.raw, $0.baseAddress, $0.count, offset) }
    return got == count ? bytes : nil
  }

  /// Calls `body` with each range of the file that has data, in pieces of at most 1 MiB that begin at a page.
  /// - Parameter body: gets the physical address. Returns true to end the walk.
  func walk(_ body: (_ address: UInt64, UnsafeRawBufferPointer) throws -> Bool) throws {
    var buffer = [UInt8](repeating: 0, count: MemoryWriter.piece)
    for range in ranges {
      let end = off_t(range.offset + UInt64(range.physical.count))
      var offset = off_t(range.offset)
      while offset < end {
        let data = lseek(file.raw, offset, Self.seekData)
        guard data >= 0, data < end else { break }
        offset = data & ~4095
        let hole = min(end, max(lseek(file.raw, data, Self.seekHole), data + 1))
        while offset < hole {
          let wanted = min(buffer.count, Int(hole - offset))
          let count = buffer.withUnsafeMutableBytes { pread(file.raw, $0.baseAddress, wanted, offset) }
          guard count > 0 else { throw SystemError("read", path) }
          let address = range.physical.lowerBound + UInt64(offset) - range.offset
          let isOver = try buffer.withUnsafeBytes {
            try body(address, UnsafeRawBufferPointer(rebasing: $0[..<count]))
          }
          if isOver { return }
          offset += count
        }
      }
    }
  }
}
