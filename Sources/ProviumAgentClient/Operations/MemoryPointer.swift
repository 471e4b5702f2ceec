internal import CProviumWire

/// Memory that a field inside a buffer points to during a system call.
package struct MemoryPointer: Hashable, Sendable {
  /// The argument index of the buffer that contains the field. An ioctl has one struct, and does not use
  /// this.
  package var buffer: Int
  /// The offset of the 8 bytes of the address in the buffer.
  package var offset: Int
  /// Bytes of the memory.
  package var length: Int
  /// The contents before the call; nil: zeros. Zeros follow when it is shorter than `length`.
  package var input: [UInt8]?
  /// Whether the memory is returned after the call.
  package var isOutput: Bool

  package init(buffer: Int = 0, offset: Int, length: Int, input: [UInt8]? = nil, isOutput: Bool = false) {
    self.buffer = buffer
    self.offset = offset
    self.length = length
    self.input = input
    self.isOutput = isOutput
  }
}

extension MemoryPointer {
  // The checks refuse what could reach beyond the memory of a call. They throw `InvalidArgument`.

  static func check(size: Int, of what: String, _ parameter: InvalidArgument.Parameter) throws {
    guard size >= 0 else { throw InvalidArgument(parameter, "\(what) has \(size) bytes") }
    guard size <= WireLimit.buffer else {
      throw InvalidArgument(parameter, "\(what) has \(size) bytes; at most \(WireLimit.buffer) are accepted")
    }
  }

  static func check(_ pointers: [MemoryPointer], bufferSizes: [Int: Int]) throws {
    guard pointers.count <= WireLimit.pointers else {
      throw InvalidArgument(.pointers, "\(pointers.count) given; at most \(WireLimit.pointers) are accepted")
    }
    var taken: [Int: [Int]] = [:]
    for pointer in pointers {
      guard let size = bufferSizes[pointer.buffer] else {
        throw InvalidArgument(.pointerBuffer, "argument \(pointer.buffer) has no buffer")
      }
      // An address has 8 bytes; written so that no sum can overflow.
      guard pointer.offset >= 0, size >= 8, pointer.offset <= size - 8 else {
        throw InvalidArgument(
          .pointerOffset,
          "\(pointer.offset): the 8 bytes of the address do not fit the buffer of \(size) bytes"
        )
      }
      if let other = taken[pointer.buffer]?.first(where: { abs($0 - pointer.offset) < 8 }) {
        throw InvalidArgument(
          .pointerOffset,
          "\(pointer.offset): the address would overlap the one at \(other)"
        )
      }
      taken[pointer.buffer, default: []].append(pointer.offset)
      try check(size: pointer.length, of: "the memory of the pointer at \(pointer.offset)", .pointerLength)
      if let input = pointer.input, input.count > pointer.length {
        throw InvalidArgument(
          .pointerInput,
          "has \(input.count) bytes, more than the length of \(pointer.length)"
        )
      }
    }
  }
}

extension MemoryPointer {
  /// The field `is_output` of SYSCALL_PTR.
  var wireFlags: UInt8 {
    let flags = !isOutput ? PV_POINTER_INPUT : input == nil ? PV_POINTER_OUTPUT : PV_POINTER_BOTH
    return UInt8(truncatingIfNeeded: flags.rawValue)
  }

  /// The contents before the call, exactly `length` bytes.
  var paddedInput: [UInt8] {
    var bytes = input ?? []
    if bytes.count < length { bytes.append(contentsOf: repeatElement(0, count: length - bytes.count)) }
    return bytes
  }
}
