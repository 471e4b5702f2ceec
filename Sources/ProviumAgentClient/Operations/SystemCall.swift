/// A system call with its memory.
package struct SystemCall: Sendable {
  package var number: UInt32
  package var arguments: [Int64]
  package var buffers: [CallBuffer]
  package var pointers: [MemoryPointer]

  package init(
    number: UInt32,
    arguments: [Int64] = [],
    buffers: [CallBuffer] = [],
    pointers: [MemoryPointer] = []
  ) {
    self.number = number
    self.arguments = arguments
    self.buffers = buffers
    self.pointers = pointers
  }

  /// The buffers by ascending argument index, which is the order in which they are returned.
  var sortedBuffers: [CallBuffer] { buffers.sorted { $0.argument < $1.argument } }

  /// The arguments, with zeros up to the last one that has a buffer.
  var paddedArguments: [Int64] {
    let needed = (buffers.map(\.argument).max() ?? -1) + 1
    return arguments + Array(repeating: 0, count: max(0, needed - arguments.count))
  }

  var requestSize: Int {
    16 + 8 * buffers.count + 16 * pointers.count + 8 * WireLimit.syscallArguments
      + buffers.reduce(0) { $0 + $1.bytes.count }
      + pointers.reduce(0) { $0 + ($1.input == nil && $1.isOutput ? 0 : $1.length) }
  }

  /// Refuses a call that could reach beyond its own memory.
  /// - Throws: `InvalidArgument`.
  package func check() throws {
    guard arguments.count <= WireLimit.syscallArguments else {
      throw InvalidArgument(.arguments, "\(arguments.count) given; a system call takes at most 6")
    }
    var sizes: [Int: Int] = [:]
    for buffer in buffers {
      guard (0..<WireLimit.syscallArguments).contains(buffer.argument) else {
        throw InvalidArgument(.bufferIndex, "\(buffer.argument) is out of range; arguments are 0...5")
      }
      guard sizes.updateValue(buffer.bytes.count, forKey: buffer.argument) == nil else {
        throw InvalidArgument(.bufferIndex, "\(buffer.argument) is given two buffers")
      }
      try MemoryPointer.check(
        size: buffer.bytes.count,
        of: "the buffer of argument \(buffer.argument)",
        .buffer
      )
    }
    try MemoryPointer.check(pointers, bufferSizes: sizes)
    let reply = 8 + sizes.values.reduce(0, +) + pointers.reduce(0) { $0 + ($1.isOutput ? $1.length : 0) }
    guard max(requestSize, reply) <= WireLimit.payload else {
      throw InvalidArgument(
        .buffer,
        "all buffers together have \(max(requestSize, reply)) bytes; one message carries \(WireLimit.payload)"
      )
    }
  }
}
