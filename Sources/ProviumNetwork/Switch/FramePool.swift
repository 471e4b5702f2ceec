/// Memory for frames that wait. Slots are used again, so that a frame costs no allocation in the steady state.
final class FramePool {
  /// A frame that waits. Whoever holds it gives it back.
  struct Frame {
    let memory: UnsafeMutableRawPointer
    let length: Int
  }

  private static let smallSlot = 2048
  private static let largeSlot = FrameSize.largest + 1
  private var small: [UnsafeMutableRawPointer] = []
  private var large: [UnsafeMutableRawPointer] = []
  private var all: [UnsafeMutableRawPointer] = []
  /// Bytes that may still be allocated.
  private var room: Int

  /// - Parameter limit: bytes.
  init(limit: Int = 64 << 20) {
    room = limit
    small.reserveCapacity(4096)
    large.reserveCapacity(256)
  }

  deinit { for memory in all { memory.deallocate() } }

  /// Copies a frame; nil when the memory is used up.
  func copy(_ bytes: UnsafeRawPointer, _ length: Int) -> Frame? {
    guard length <= FrameSize.largest, let memory = take(length <= Self.smallSlot) else { return nil }
    memory.copyMemory(from: bytes, byteCount: length)
    return Frame(memory: memory, length: length)
  }

  private func take(_ isSmall: Bool) -> UnsafeMutableRawPointer? {
    if let free = isSmall ? small.popLast() : large.popLast() { return free }
    let size = isSmall ? Self.smallSlot : Self.largeSlot
    guard room >= size else { return nil }
    room -= size
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    all.append(memory)
    return memory
  }

  func giveBack(_ frame: Frame) {
    if frame.length <= Self.smallSlot { small.append(frame.memory) } else { large.append(frame.memory) }
  }
}
