import Glibc

/// A queue of bytes in one contiguous block of memory, which grows when needed.
///
/// Not thread-safe. Every copy is one `memcpy(3)`, also in a build without optimisation.
package final class ByteQueue {
  private var memory: UnsafeMutableRawPointer
  private var capacity: Int
  private var start = 0
  private var end = 0
  /// A block of more than this size is freed when the queue becomes empty.
  private static let keptCapacity = 1 << 20

  package init(capacity: Int = 4096) {
    self.capacity = max(capacity, 64)
    memory = .allocate(byteCount: self.capacity, alignment: 16)
  }

  deinit { memory.deallocate() }

  package var count: Int { end - start }
  package var isEmpty: Bool { end == start }

  /// All bytes, contiguous. Valid until the next change.
  package var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: memory + start, count: end - start)
  }

  /// Returns free space of at least `size` bytes after the last byte. Call `extend` with the number of bytes
  /// written there.
  package func room(_ size: Int) -> UnsafeMutableRawBufferPointer {
    if start == end { (start, end) = (0, 0) }
    if capacity - end < size { makeRoom(size) }
    return UnsafeMutableRawBufferPointer(start: memory + end, count: capacity - end)
  }

  package func extend(_ count: Int) { end += min(max(count, 0), capacity - end) }

  package func append(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    let target = room(bytes.count)
    if let start = target.baseAddress { memcpy(start, base, bytes.count) }
    end += bytes.count
  }

  package func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

  /// Appends an integer, little-endian.
  package func append<Value: FixedWidthInteger>(_ value: Value) {
    room(MemoryLayout<Value>.size).storeBytes(of: value.littleEndian, as: Value.self)
    end += MemoryLayout<Value>.size
  }

  /// Overwrites bytes of the queue, little-endian. Does nothing when the integer would reach beyond them.
  /// - Parameter offset: from the front.
  package func overwrite<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    guard offset >= 0, offset <= count - MemoryLayout<Value>.size else { return }
    (memory + start + offset).storeBytes(of: value.littleEndian, as: Value.self)
  }

  /// Removes bytes from the front.
  package func consume(_ count: Int) {
    start += min(max(count, 0), self.count)
    if start == end { clear() }
  }

  /// Removes bytes from the front. Pointers to them stay valid until the next change.
  package func consumeKeepingMemory(_ count: Int) { start += min(max(count, 0), self.count) }

  package func clear() {
    start = 0
    end = 0
    if capacity > Self.keptCapacity { replaceMemory(capacity: Self.keptCapacity / 16) }
  }

  /// A copy of all bytes.
  package var contents: [UInt8] { [UInt8](copying: bytes) }

  private func makeRoom(_ size: Int) {
    let kept = count
    if capacity - kept >= size, kept <= capacity / 2 {
      memmove(memory, memory + start, kept)
      start = 0
      end = kept
    } else {
      replaceMemory(capacity: max(capacity * 2, kept + size))
    }
  }

  private func replaceMemory(capacity newCapacity: Int) {
    let kept = count
    let new = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
    memcpy(new, memory + start, kept)
    memory.deallocate()
    memory = new
    capacity = newCapacity
    start = 0
    end = kept
  }
}
