import ProviumArchitecture
package import ProviumSystem

extension GuestSession {
  /// Makes a system call in the guest. Checked first: see `SystemCall.check`.
  /// - Parameter name: for the record; nil: looked up by number.
  package func syscall(_ call: SystemCall, name: String? = nil, until deadline: Deadline) throws
    -> SystemCallResult
  {
    let name = name ?? SyscallName.name(call.number, architecture) ?? "syscall_\(call.number)"
    return try perform(name, call.recordArguments(name)) { connection in
      try call.check()
      let lengths = call.sortedBuffers.map(\.bytes.count) + call.pointers.filter(\.isOutput).map(\.length)
      let message = try Request.syscall(call)
      let reply = try connection.ask(message, .syscallResult, what: name, until: deadline) {
        try CallReply($0, lengths: lengths)
      }
      let result = SystemCallResult(
        result: reply.result,
        buffers: Array(reply.pieces.prefix(call.buffers.count)),
        outputs: Array(reply.pieces.dropFirst(call.buffers.count))
      )
      let written = OperationRecord.Argument.written(
        call.sortedBuffers.map(\.bytes),
        result.buffers,
        outputs: result.outputs,
        addresses: call.addresses
      )
      return (result, .systemCall(reply.result, written: written))
    }
  }

  /// An ioctl with a struct or without.
  ///
  /// The struct is as long as the command says (`_IOC_SIZE`), filled up with zeros, so that the kernel never writes
  /// behind it; without data, a command that reads gets one of zeros.
  package func ioctl(
    _ descriptor: Int32,
    _ command: UInt32,
    _ data: [UInt8]? = nil,
    until deadline: Deadline
  ) throws -> IoctlResult {
    let given: [OperationRecord.Argument] = data.map { [.text($0)] } ?? []
    return try perform("ioctl", [.integer(Int64(descriptor)), .command(command)] + given) {
      connection in
      var sent = data ?? []
      let size = IoctlCommand.size(command)
      if (data != nil || IoctlCommand.isRead(command)) && sent.count < size {
        sent.append(contentsOf: [UInt8](repeating: 0, count: size - sent.count))
      }
      guard sent.count <= WireLimit.buffer else {
        throw InvalidArgument("data", "has \(sent.count) bytes; at most \(WireLimit.buffer) are accepted")
      }
      // Empty data has an address, no data is a null pointer. IOCTL cannot tell them apart.
      let message =
        data != nil && sent.isEmpty
        ? try Request.ioctl(IoctlCall(descriptor: descriptor, command: command, data: [], pointers: []))
        : try Request.ioctl(descriptor: descriptor, command: command, data: sent)
      let reply = try connection.ask(message, .syscallResult, what: "ioctl", until: deadline) {
        try CallReply($0, lengths: [sent.count])
      }
      let hasData = data != nil || !sent.isEmpty
      let returned = hasData && IoctlCommand.returnsData(command) ? reply.pieces[0] : nil
      let result = IoctlResult(result: reply.result, data: returned, outputs: [])
      let written = OperationRecord.Argument.written([sent], reply.pieces)
      return (result, .systemCall(reply.result, written: written))
    }
  }

  /// An ioctl whose struct holds pointers to further memory.
  package func ioctl(_ call: IoctlCall, until deadline: Deadline) throws -> IoctlResult {
    let arguments: [OperationRecord.Argument] = [
      .integer(Int64(call.descriptor)), .command(call.command), .text(call.data),
    ]
    return try perform("ioctl", arguments) { connection in
      try call.check()
      let lengths = [call.data.count] + call.pointers.filter(\.isOutput).map(\.length)
      let message = try Request.ioctl(call)
      let reply = try connection.ask(message, .syscallResult, what: "ioctl", until: deadline) {
        try CallReply($0, lengths: lengths)
      }
      let result = IoctlResult(
        result: reply.result,
        data: IoctlCommand.returnsData(call.command) ? reply.pieces.first : nil,
        outputs: Array(reply.pieces.dropFirst())
      )
      let written = OperationRecord.Argument.written(
        [call.data],
        Array(reply.pieces.prefix(1)),
        outputs: result.outputs,
        addresses: [0: call.pointers.map(\.offset)]
      )
      return (result, .systemCall(reply.result, written: written))
    }
  }
}

extension SystemCall {
  /// Arguments as given, with data in the place of buffers.
  fileprivate func recordArguments(_ name: String) -> [OperationRecord.Argument] {
    var list: [OperationRecord.Argument] = paddedForRecord.map { .integer($0) }
    for position in DirectoryArguments.positions(name) {
      if list.indices.contains(position), case .integer(let value) = list[position] {
        list[position] = .directory(value)
      }
    }
    for buffer in buffers where list.indices.contains(buffer.argument) {
      list[buffer.argument] = .text(buffer.bytes.withoutTerminator)
    }
    return list
  }

  /// Where pointers stand, by the position of their buffer.
  fileprivate var addresses: [Int: [Int]] {
    guard !pointers.isEmpty else { return [:] }
    let order = sortedBuffers.map(\.argument)
    return Dictionary(grouping: pointers) { order.firstIndex(of: $0.buffer) ?? -1 }.mapValues {
      $0.map(\.offset)
    }
  }

  /// `check` has not been made yet: an index may be anything.
  private var paddedForRecord: [Int64] {
    let needed =
      (buffers.map(\.argument).filter { (0..<WireLimit.syscallArguments).contains($0) }.max() ?? -1) + 1
    let kept = arguments.prefix(2 * WireLimit.syscallArguments)
    return kept + Array(repeating: 0, count: max(0, needed - kept.count))
  }
}

extension [UInt8] {
  /// A path as people write it, without the NUL that the kernel wants.
  fileprivate var withoutTerminator: [UInt8] {
    last == 0 && count <= 4096 && !dropLast().contains(0) ? dropLast() : self
  }
}
