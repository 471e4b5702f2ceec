import ProviumArchitecture
package import ProviumSystem

/// An ioctl whose struct contains pointers.
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

  /// Refuses a call that could reach beyond its own memory.
  /// - Throws: `InvalidArgument`.
  package func check() throws {
    try MemoryPointer.check(size: data.count, of: "the struct", .structure)
    var pointers = pointers
    for index in pointers.indices { pointers[index].buffer = 0 }
    try MemoryPointer.check(pointers, bufferSizes: [0: data.count])
    let size = 16 + 12 * pointers.count + data.count + pointers.reduce(0) { $0 + $1.length }
    guard size <= WireLimit.payload else {
      throw InvalidArgument(
        .structure,
        "all buffers together have \(size) bytes; one message carries \(WireLimit.payload)"
      )
    }
  }
}

extension AgentConnection {
  /// Makes an ioctl with a struct or without one. Blocks until the kernel returns.
  ///
  /// The struct is filled up with zeros to the size in the command (`_IOC_SIZE`), so that the kernel never
  /// writes beyond it. Without data, a command that reads gets a struct of zeros.
  package func ioctl(
    _ descriptor: Int32,
    _ command: UInt32,
    _ data: [UInt8]? = nil,
    until deadline: Deadline
  ) throws -> IoctlResult {
    let given: [OperationRecord.Argument] = data.map { [.text($0)] } ?? []
    return try perform("ioctl", [.integer(Int64(descriptor)), .command(command)] + given) {
      exchange in
      var sent = data ?? []
      let size = IoctlCommand.size(command)
      if (data != nil || IoctlCommand.isRead(command)) && sent.count < size {
        sent.append(contentsOf: [UInt8](repeating: 0, count: size - sent.count))
      }
      guard sent.count <= WireLimit.buffer else {
        throw InvalidArgument(.data, "has \(sent.count) bytes; at most \(WireLimit.buffer) are accepted")
      }
      // Empty data has an address, no data is a null pointer. IOCTL cannot tell them apart.
      let message =
        data != nil && sent.isEmpty
        ? try Request.ioctl(IoctlCall(descriptor: descriptor, command: command, data: [], pointers: []))
        : try Request.ioctl(descriptor: descriptor, command: command, data: sent)
      let reply = try exchange.ask(message, .syscallResult, what: "ioctl", until: deadline) {
        try CallReply($0, lengths: [sent.count])
      }
      let hasData = data != nil || !sent.isEmpty
      let returned = hasData && IoctlCommand.returnsData(command) ? reply.pieces[0] : nil
      let result = IoctlResult(value: reply.value, data: returned)
      let written = OperationRecord.Argument.written([sent], reply.pieces)
      return (result, .systemCall(reply.value, written: written))
    }
  }

  /// Makes an ioctl whose struct contains pointers to further memory. Blocks until the kernel returns.
  package func ioctl(_ call: IoctlCall, until deadline: Deadline) throws -> IoctlResult {
    let arguments: [OperationRecord.Argument] = [
      .integer(Int64(call.descriptor)), .command(call.command), .text(call.data),
    ]
    return try perform("ioctl", arguments) { exchange in
      try call.check()
      let lengths = [call.data.count] + call.pointers.filter(\.isOutput).map(\.length)
      let message = try Request.ioctl(call)
      let reply = try exchange.ask(message, .syscallResult, what: "ioctl", until: deadline) {
        try CallReply($0, lengths: lengths)
      }
      let result = IoctlResult(
        value: reply.value,
        data: IoctlCommand.returnsData(call.command) ? reply.pieces.first : nil,
        outputs: Array(reply.pieces.dropFirst())
      )
      let written = OperationRecord.Argument.written(
        [call.data],
        Array(reply.pieces.prefix(1)),
        outputs: result.outputs,
        addresses: [0: call.pointers.map(\.offset)]
      )
      return (result, .systemCall(reply.value, written: written))
    }
  }
}

extension Request {
  /// Encodes IOCTL.
  static func ioctl(descriptor: Int32, command: UInt32, data: [UInt8]) throws -> EncodedMessage {
    let writer = MessageWriter(.ioctl, capacity: 8 + data.count)
    writer.integer(descriptor)
    writer.integer(command)
    writer.bytes(data)
    return try writer.finish()
  }

  /// Encodes IOCTL_BUF. The call must have been checked.
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
