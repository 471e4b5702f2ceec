import ProviumArchitecture
import ProviumAgentClient
import ProviumLua
import ProviumSystem

/// The methods for system calls and ioctls, with buffers and with pointers inside buffers.
enum CallMethods {
  static func all<Object: GuestObject>(_: Object.Type) -> [(String, LuaObjectType<Object>.Method)] {
    [
      ("syscall", syscall), ("syscall_buf", syscallBuffer), ("syscall_bufs", syscallBuffers),
      ("syscall_ptr", syscallPointers), ("ioctl", ioctl), ("ioctl_buf", ioctlBuffer),
    ]
  }

  // MARK: Syscalls

  private static func syscall<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    let number = try syscallNumber(object, call)
    // The hot path: no buffer is allocated.
    return try run(object, call, SystemCall(number: number, arguments: arguments(call, from: 2)))
  }

  private static func syscallBuffer<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws
    -> [LuaValue]
  {
    let number = try syscallNumber(object, call)
    let index = try call.argument(2, "index").integer(in: 0...5)
    let buffer = CallBuffer(argument: Int(index), bytes: try call.memory(3, "data"))
    return try run(
      object,
      call,
      SystemCall(number: number, arguments: arguments(call, from: 4), buffers: [buffer])
    )
  }

  private static func syscallBuffers<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws
    -> [LuaValue]
  {
    let number = try syscallNumber(object, call)
    return try run(
      object,
      call,
      SystemCall(
        number: number,
        arguments: arguments(call, from: 3),
        buffers: buffers(call.argument(2, "bufs"))
      )
    )
  }

  private static func syscallPointers<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws
    -> [LuaValue]
  {
    let number = try syscallNumber(object, call)
    let buffers = try buffers(call.argument(2, "bufs"))
    let pointers = try call.argument(3, "ptrs").list().map { spec in
      try pointer(spec, known: ["buf_idx", "ptr_offset", "data_len", "output", "data"], length: "data_len")
    }
    return try run(
      object,
      call,
      SystemCall(
        number: number,
        arguments: arguments(call, from: 4),
        buffers: buffers,
        pointers: pointers
      )
    )
  }

  private static func run<Object: GuestObject>(
    _ object: Object,
    _ call: LuaCall,
    _ request: SystemCall
  ) throws -> [LuaValue] {
    let name = call.arguments.first?.text ?? SyscallName.name(request.number, object.architecture)
    let result = try object.perform("syscall \(name ?? "\(request.number)")") {
      try $0.syscall(request, name: name, until: $1)
    }
    return [.integer(result.value)] + (result.buffers + result.outputs).map(LuaValue.string)
  }

  /// Reads the argument `nr`: a number, or a name on the guest's architecture.
  private static func syscallNumber<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> UInt32 {
    let argument = call.argument(1, "nr")
    if case .string = argument.value {
      let name = try argument.string()
      guard let number = SyscallName.number(name, object.architecture) else {
        throw call.misuse(
          "argument 'nr': \(object.architecture) has no syscall '\(name)'\(NearestName.hint(for: name, among: SyscallName.all(object.architecture)))"
        )
      }
      return number
    }
    return UInt32(try argument.integer(in: 0...Int64(UInt32.max)))
  }

  /// Reads the arguments `a1` to `a6`, which begin at position `first`.
  private static func arguments(_ call: LuaCall, from first: Int) throws -> [Int64] {
    guard call.arguments.count >= first else { return [] }
    guard call.arguments.count - first < WireLimit.syscallArguments else {
      throw call.misuse("takes at most 6 syscall arguments, got \(call.arguments.count - first + 1)")
    }
    return try (first...call.arguments.count).map { try call.argument($0, "a\($0 - first + 1)").integer() }
  }

  /// Reads `{[index] = data, …}`, with indices from 0.
  private static func buffers(_ argument: LuaArgument) throws -> [CallBuffer] {
    try argument.table().entries.map { entry in
      guard let index = entry.key.integer, case .string(let bytes) = entry.value else {
        throw argument.expected("a table of strings by argument index (0…5)")
      }
      return CallBuffer(argument: Int(clamping: index), bytes: bytes)
    }.sorted { $0.argument < $1.argument }
  }

  private static func pointer(_ spec: LuaArgument, known: [String], length: String) throws -> MemoryPointer {
    let options = try spec.options(known: known)
    func required(_ name: String) throws -> Int {
      guard let option = options[name] else { throw spec.expected("a table with '\(name)'") }
      return Int(try option.integer(in: 0...Int64(Int32.max)))
    }
    let data = try options["data"]?.memory()
    let size = try options[length] != nil ? required(length) : data?.count ?? required(length)
    return MemoryPointer(
      buffer: known.contains("buf_idx") ? try required("buf_idx") : 0,
      offset: try required("ptr_offset"),
      length: size,
      input: data,
      isOutput: try options["output"]?.boolean() ?? false
    )
  }

  // MARK: ioctls

  private static func ioctl<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 3)
    let descriptor = try descriptor(call)
    let command = try command(call)
    let data = try call.optional(3, "data").map { data in
      guard data.value.integer == nil else {
        throw data.expected(
          "a string of bytes (an ioctl whose argument is a number: vm:syscall(\"ioctl\", fd, cmd, n))"
        )
      }
      return try data.memory()
    }
    let result = try object.perform("ioctl \(hex(command))") {
      try $0.ioctl(descriptor, command, data, until: $1)
    }
    return [.integer(result.value), result.data.map(LuaValue.string) ?? .nil]
  }

  private static func ioctlBuffer<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue]
  {
    try call.expect(atMost: 4)
    let specs = try call.argument(4, "specs").list().map { spec in
      try pointer(spec, known: ["ptr_offset", "buf_len", "output", "data"], length: "buf_len")
    }
    let request = IoctlCall(
      descriptor: try descriptor(call),
      command: try command(call),
      data: try call.memory(3, "struct"),
      pointers: specs
    )
    let result = try object.perform("ioctl_buf \(hex(request.command))") { try $0.ioctl(request, until: $1) }
    return [.integer(result.value), result.data.map(LuaValue.string) ?? .nil]
      + result.outputs.map(LuaValue.string)
  }

  private static func descriptor(_ call: LuaCall) throws -> Int32 {
    Int32(try call.argument(1, "fd").integer(in: Int64(Int32.min)...Int64(Int32.max)))
  }

  /// Reads the argument `cmd`: 32 bits. A negative number gives its bits, as in C.
  private static func command(_ call: LuaCall) throws -> UInt32 {
    UInt32(truncatingIfNeeded: try call.argument(2, "cmd").integer(in: Int64(Int32.min)...Int64(UInt32.max)))
  }

  private static func hex(_ number: UInt32) -> String { "0x" + String(number, radix: 16) }
}
