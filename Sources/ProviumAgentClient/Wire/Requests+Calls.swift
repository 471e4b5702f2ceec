internal import CProviumWire

extension Request {
  /// `SYSCALL`, or `SYSCALL_PTR` when there are pointers. The call has been checked.
  static func syscall(_ call: SystemCall) throws -> EncodedMessage {
    let buffers = call.sortedBuffers
    let positions = Dictionary(uniqueKeysWithValues: buffers.enumerated().map { ($1.argument, UInt32($0)) })
    let arguments = call.paddedArguments
    let writer = MessageWriter(
      call.pointers.isEmpty ? .syscall : .syscallPointers,
      capacity: call.requestSize
    )
    writer.integer(call.number)
    writer.integer(UInt32(arguments.count))
    writer.integer(UInt32(buffers.count))
    if !call.pointers.isEmpty { writer.integer(UInt32(call.pointers.count)) }
    for buffer in buffers {
      writer.integer(Int32(buffer.argument))
      writer.integer(UInt32(buffer.bytes.count))
    }
    for pointer in call.pointers {
      writer.integer(positions[pointer.buffer] ?? 0)
      writer.integer(UInt32(pointer.offset))
      writer.integer(UInt32(pointer.length))
      writer.integer(pointer.wireFlags)
      writer.zeros(3)
    }
    for argument in arguments { writer.integer(argument) }
    for buffer in buffers { writer.bytes(buffer.bytes) }
    for pointer in call.pointers where pointer.wireFlags != UInt8(PV_POINTER_OUTPUT.rawValue) {
      writer.bytes(pointer.paddedInput)
    }
    return try writer.finish()
  }

  static func ioctl(descriptor: Int32, command: UInt32, data: [UInt8]) throws -> EncodedMessage {
    let writer = MessageWriter(.ioctl, capacity: 8 + data.count)
    writer.integer(descriptor)
    writer.integer(command)
    writer.bytes(data)
    return try writer.finish()
  }

  /// `IOCTL_BUF`. The call has been checked.
  static func ioctl(_ call: IoctlCall) throws -> EncodedMessage {
    let writer = MessageWriter(.ioctlBuffer, capacity: 64 + call.data.count)
    writer.integer(call.descriptor)
    writer.integer(call.command)
    writer.integer(UInt32(call.data.count))
    writer.integer(UInt32(call.pointers.count))
    for pointer in call.pointers {
      writer.integer(UInt32(pointer.offset))
      writer.integer(UInt32(pointer.length))
      writer.integer(UInt8(pointer.isOutput ? 1 : 0))
      writer.integer(UInt8(pointer.input == nil ? 0 : 1))
      writer.zeros(2)
    }
    writer.bytes(call.data)
    for pointer in call.pointers where pointer.input != nil { writer.bytes(pointer.paddedInput) }
    return try writer.finish()
  }
}

extension MemoryPointer {
  /// `is_output` of SYSCALL_PTR.
  fileprivate var wireFlags: UInt8 {
    let flags = !isOutput ? PV_POINTER_INPUT : input == nil ? PV_POINTER_OUTPUT : PV_POINTER_BOTH
    return UInt8(truncatingIfNeeded: flags.rawValue)
  }

  /// The contents before the call, exactly `length` bytes.
  fileprivate var paddedInput: [UInt8] {
    var bytes = input ?? []
    if bytes.count < length { bytes.append(contentsOf: repeatElement(0, count: length - bytes.count)) }
    return bytes
  }
}
