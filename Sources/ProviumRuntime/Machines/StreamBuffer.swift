/// Bytes that have been read from a guest and not been used yet. Belongs to one thread.
package final class StreamBuffer {
  private var storage: [UInt8] = []
  private var start = 0
  /// Nothing more will come.
  package internal(set) var isEnded = false

  package init() {}

  package var count: Int { storage.count - start }
  package var isEmpty: Bool { count == 0 }
  /// All bytes, which stay in the buffer.
  package var bytes: ArraySlice<UInt8> { storage[start...] }

  package func append(_ bytes: UnsafeRawBufferPointer) { storage.append(contentsOf: bytes) }

  /// Removes and returns the first `count` bytes; nil: all.
  package func take(_ count: Int? = nil) -> [UInt8] {
    let end = start + min(count ?? self.count, self.count)
    let taken = Array(storage[start..<end])
    start = end
    // A copy of the rest only when it is the smaller part: the cost stays linear.
    if start > storage.count / 2 {
      storage.removeFirst(start)
      start = 0
    }
    return taken
  }

  func removeAll() {
    storage = []
    start = 0
    isEnded = false
  }
}
