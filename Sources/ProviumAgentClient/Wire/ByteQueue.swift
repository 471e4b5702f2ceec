import Glibc

/// Bytes in at one end, out at the other, in one block of memory that grows as needed.
///
/// Not for several threads at once. Every copy is one `memcpy(3)`, whatever the build's optimisation.
package final class ByteQueue {
  private var memory: UnsafeMutableRawPointer
  private var capacity: Int
  private var start = 0
  private var end = 0
  /// What is kept when the queue runs empty; more is given back.
  private static let keptCapacity = 1 << 20

  package init(capacity: Int = 4096) {
    self.capacity = max(capacity, 64)
    memory = .allocate(byteCount: self.capacity, alignment: 16)
  }

  deinit { memory.deallocate() }

  package var count: Int { end - start }
  package var isEmpty: Bool { end == start }

  /// All bytes, contiguous; valid until the next change.
  package var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: memory + start, count: end - start)
  }

  /// Free space behind the end, at least `size` bytes; `extend` then takes what has been filled.
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

  /// Little-endian.
  package func append<Value: FixedWidthInteger>(_ value: Value) {
    room(MemoryLayout<Value>.size).storeBytes(of: value.littleEndian, as: Value.self)
    end += MemoryLayout<Value>.size
  }

  /// Writes over what is there already; `offset` counts from the front.
  package func overwrite<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    guard offset >= 0, offset <= count - MemoryLayout<Value>.size else { return }
    (memory + start + offset).storeBytes(of: value.littleEndian, as: Value.self)
  }

  /// Takes bytes away from the front.
  package func consume(_ count: Int) {
    start += min(max(count, 0), self.count)
    if start == end { clear() }
  }

  /// As `consume`, but what was taken stays readable until the next change.
  package func consumeKeepingMemory(_ count: Int) { start += min(max(count, 0), self.count) }

  package func clear() {
    start = 0
    end = 0
    if capacity > Self.keptCapacity { replaceMemory(capacity: Self.keptCapacity / 16) }
  }

  /// A copy of what is in it.
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

extension [UInt8] {
  /// A copy made with one `memcpy(3)`.
  package init(copying bytes: UnsafeRawBufferPointer) {
    self.init(unsafeUninitializedCapacity: bytes.count) { space, count in
      if let source = bytes.baseAddress, let target = space.baseAddress {
        memcpy(target, source, bytes.count)
      }
      count = bytes.count
    }
  }
}
