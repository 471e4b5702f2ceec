internal import CProviumWire
import ProviumArchitecture
package import ProviumSystem

extension AgentConnection {
  /// Makes a system call in the guest. Blocks until the kernel returns.
  /// - Parameter name: the name for the trace; nil: looked up by number.
  /// - Throws: `InvalidArgument` of `SystemCall.check`; `GuestError`.
  package func syscall(_ call: SystemCall, name: String? = nil, until deadline: Deadline) throws
    -> SystemCallResult
  {
    let name = name ?? SyscallName.name(call.number, architecture) ?? "syscall_\(call.number)"
    return try perform(name, call.recordArguments(name)) { exchange in
      try call.check()
      let lengths = call.sortedBuffers.map(\.bytes.count) + call.pointers.filter(\.isOutput).map(\.length)
      let message = try Request.syscall(call)
      let reply = try exchange.ask(message, .syscallResult, what: name, until: deadline) {
        try CallReply($0, lengths: lengths)
      }
      let result = SystemCallResult(
        value: reply.value,
        buffers: Array(reply.pieces.prefix(call.buffers.count)),
        outputs: Array(reply.pieces.dropFirst(call.buffers.count))
      )
      let written = OperationRecord.Argument.written(
        call.sortedBuffers.map(\.bytes),
        result.buffers,
        outputs: result.outputs,
        addresses: call.addresses
      )
      return (result, .systemCall(reply.value, written: written))
    }
  }
}

extension Request {
  /// Encodes SYSCALL, or SYSCALL_PTR for a call with pointers. The call must have been checked.
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
}

/// SYSCALL_RESULT: `result i64`, then buffers of the lengths that were sent.
struct CallReply {
  let value: Int64
  let pieces: [[UInt8]]

  init(_ payload: UnsafeRawBufferPointer, lengths: [Int]) throws {
    var reader = MessageReader(payload)
    value = try reader.integer()
    var pieces: [[UInt8]] = []
    for length in lengths { pieces.append(try reader.array(length)) }
    try reader.finish()
    self.pieces = pieces
  }
}

extension SystemCall {
  /// The arguments for the trace, with the data of buffers in their places.
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

  /// The offsets of pointers, by the position of their buffer.
  fileprivate var addresses: [Int: [Int]] {
    guard !pointers.isEmpty else { return [:] }
    let order = sortedBuffers.map(\.argument)
    return Dictionary(grouping: pointers) { order.firstIndex(of: $0.buffer) ?? -1 }.mapValues {
      $0.map(\.offset)
    }
  }

  /// The padded arguments of a call that `check` has not seen: an index can have any value.
  private var paddedForRecord: [Int64] {
    let needed =
      (buffers.map(\.argument).filter { (0..<WireLimit.syscallArguments).contains($0) }.max() ?? -1) + 1
    let kept = arguments.prefix(2 * WireLimit.syscallArguments)
    return kept + Array(repeating: 0, count: max(0, needed - kept.count))
  }
}

extension [UInt8] {
  /// A path without the NUL that the kernel needs.
  fileprivate var withoutTerminator: [UInt8] {
    last == 0 && count <= 4096 && !dropLast().contains(0) ? dropLast() : self
  }
}
