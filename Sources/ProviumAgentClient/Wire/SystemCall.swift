/// Memory that an argument points to during a call.
package struct CallBuffer: Hashable, Sendable {
  /// Which argument becomes its address, counted from 0.
  package var argument: Int
  package var bytes: [UInt8]

  package init(argument: Int, bytes: [UInt8]) {
    self.argument = argument
    self.bytes = bytes
  }
}

/// Memory that a field inside a buffer points to during a call.
package struct MemoryPointer: Hashable, Sendable {
  /// The buffer that holds the field, by its argument index; without meaning for an ioctl, which has one struct.
  package var buffer: Int
  /// Where the 8 bytes of the address go.
  package var offset: Int
  /// Bytes pointed to.
  package var length: Int
  /// The contents before the call; nil: zeros. Zeros follow if they are shorter than `length`.
  package var input: [UInt8]?
  /// Whether they come back.
  package var isOutput: Bool

  package init(buffer: Int = 0, offset: Int, length: Int, input: [UInt8]? = nil, isOutput: Bool = false) {
    self.buffer = buffer
    self.offset = offset
    self.length = length
    self.input = input
    self.isOutput = isOutput
  }
}

/// A system call as a script asks for it. `check` refuses what could reach beyond its own memory.
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

  /// By ascending argument index: the order in which they come back.
  var sortedBuffers: [CallBuffer] { buffers.sorted { $0.argument < $1.argument } }

  /// Long enough for every buffer's argument.
  var paddedArguments: [Int64] {
    let needed = (buffers.map(\.argument).max() ?? -1) + 1
    return arguments + Array(repeating: 0, count: max(0, needed - arguments.count))
  }

  var requestSize: Int {
    16 + 8 * buffers.count + 16 * pointers.count + 8 * WireLimit.syscallArguments
      + buffers.reduce(0) { $0 + $1.bytes.count }
      + pointers.reduce(0) { $0 + ($1.input == nil && $1.isOutput ? 0 : $1.length) }
  }

  /// Throws `InvalidArgument`, which names the argument, for what the agent would have to refuse.
  package func check() throws {
    guard arguments.count <= WireLimit.syscallArguments else {
      throw InvalidArgument("arguments", "\(arguments.count) given; a system call takes at most 6")
    }
    var sizes: [Int: Int] = [:]
    for buffer in buffers {
      guard (0..<WireLimit.syscallArguments).contains(buffer.argument) else {
        throw InvalidArgument("index", "\(buffer.argument) is out of range; arguments are 0...5")
      }
      guard sizes.updateValue(buffer.bytes.count, forKey: buffer.argument) == nil else {
        throw InvalidArgument("index", "\(buffer.argument) is given two buffers")
      }
      try MemoryPointer.check(
        size: buffer.bytes.count,
        of: "the buffer of argument \(buffer.argument)",
        "data"
      )
    }
    try MemoryPointer.check(pointers, bufferSizes: sizes)
    let reply = 8 + sizes.values.reduce(0, +) + pointers.reduce(0) { $0 + ($1.isOutput ? $1.length : 0) }
    guard max(requestSize, reply) <= WireLimit.payload else {
      throw InvalidArgument(
        "data",
        "all buffers together have \(max(requestSize, reply)) bytes; one message carries \(WireLimit.payload)"
      )
    }
  }
}

/// An ioctl whose struct holds pointers.
package struct IoctlCall: Sendable {
  package var descriptor: Int32
  package var command: UInt32
  /// The struct.
  package var data: [UInt8]
  package var pointers: [MemoryPointer]

  package init(descriptor: Int32, command: UInt32, data: [UInt8], pointers: [MemoryPointer]) {
    self.descriptor = descriptor
    self.command = command
    self.data = data
    self.pointers = pointers
  }

  /// Throws `InvalidArgument` as `SystemCall.check` does.
  package func check() throws {
    try MemoryPointer.check(size: data.count, of: "the struct", "struct")
    var pointers = pointers
    for index in pointers.indices { pointers[index].buffer = 0 }
    try MemoryPointer.check(pointers, bufferSizes: [0: data.count])
    let size = 16 + 12 * pointers.count + data.count + pointers.reduce(0) { $0 + $1.length }
    guard size <= WireLimit.payload else {
      throw InvalidArgument(
        "struct",
        "all buffers together have \(size) bytes; one message carries \(WireLimit.payload)"
      )
    }
  }
}

extension MemoryPointer {
  fileprivate static func check(size: Int, of what: String, _ argument: String) throws {
    guard size >= 0 else { throw InvalidArgument(argument, "\(what) has \(size) bytes") }
    guard size <= WireLimit.buffer else {
      throw InvalidArgument(argument, "\(what) has \(size) bytes; at most \(WireLimit.buffer) are accepted")
    }
  }

  fileprivate static func check(_ pointers: [MemoryPointer], bufferSizes: [Int: Int]) throws {
    guard pointers.count <= WireLimit.pointers else {
      throw InvalidArgument("ptrs", "\(pointers.count) given; at most \(WireLimit.pointers) are accepted")
    }
    var taken: [Int: [Int]] = [:]
    for pointer in pointers {
      guard let size = bufferSizes[pointer.buffer] else {
        throw InvalidArgument("buf_idx", "\(pointer.buffer) names no buffer")
      }
      // An address has 8 bytes; written so that no sum can overflow.
      guard pointer.offset >= 0, size >= 8, pointer.offset <= size - 8 else {
        throw InvalidArgument(
          "ptr_offset",
          "\(pointer.offset): the 8 bytes of the address do not fit the buffer of \(size) bytes"
        )
      }
      if let other = taken[pointer.buffer]?.first(where: { abs($0 - pointer.offset) < 8 }) {
        throw InvalidArgument(
          "ptr_offset",
          "\(pointer.offset): the address would overlap the one at \(other)"
        )
      }
      taken[pointer.buffer, default: []].append(pointer.offset)
      try check(size: pointer.length, of: "what the pointer at \(pointer.offset) points to", "data_len")
      if let input = pointer.input, input.count > pointer.length {
        throw InvalidArgument("data", "\(input.count) bytes for a data_len of \(pointer.length)")
      }
    }
  }
}
