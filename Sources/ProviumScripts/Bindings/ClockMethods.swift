import ProviumAgentClient
import ProviumArchitecture
import ProviumLua
import ProviumRuntime
import ProviumSystem

/// The clocks of a guest as a script holds them: what `vm:clock()` returns.
final class ClockObject {
  let vm: VMObject
  init(_ vm: VMObject) { self.vm = vm }
}

/// The Lua type `clock`.
enum ClockMethods {
  static func makeType() -> LuaObjectType<ClockObject> {
    LuaObjectType<ClockObject>(
      name: "clock",
      methodList: Misuse.translated([("get", get), ("set", set), ("advance", advance)])
    )
  }

  /// Numbers of linux/time.h, equal on all architectures.
  private static let clocks: [String: Int64] = ["realtime": 0, "monotonic": 1, "boottime": 7, "tai": 11]

  /// `get([clock])`: seconds, and the same in nanoseconds as an integer.
  private static func get(_ object: ClockObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let name = try call.optional(1, "clock")?.string(oneOf: clocks.keys.sorted()) ?? "realtime"
    let time = try read(object, clocks[name] ?? 0)
    return [.number(Double(time) / 1e9), .integer(time)]
  }

  /// `set(seconds)`: the real time, in seconds since 1970.
  private static func set(_ object: ClockObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let argument = call.argument(1, "seconds")
    let seconds: Double
    switch argument.value {
    case .integer(let value): seconds = Double(value)
    case .number(let value): seconds = value
    default: throw argument.expected("a number of seconds since 1970")
    }
    // The kernel's own limit is about 292 years after 1970 (KTIME_MAX of include/linux/ktime.h).
    guard seconds >= 0, seconds < 9_000_000_000 else {
      throw argument.expected("a number of seconds since 1970, from 0 to 9,000,000,000")
    }
    try write(object, call, Int64(seconds * 1e9))
    return []
  }

  /// `advance(duration)`: moves the real time forward.
  private static func advance(_ object: ClockObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let (seconds, attoseconds) = try call.argument(1, "duration").duration().components
    let (moved, isTooFar) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (time, overflows) = try read(object, 0).addingReportingOverflow(moved)
    guard !isTooFar, !overflows else { throw call.argument(1, "duration").refused("is too long for a clock") }
    try write(object, call, time + attoseconds / 1_000_000_000)
    return []
  }

  private static func read(_ object: ClockObject, _ clock: Int64) throws -> Int64 {
    let room = CallBuffer(argument: 1, bytes: [UInt8](repeating: 0, count: 16))
    let result = try perform(object, "clock_gettime", [clock, 0], room)
    let bytes = result.buffers.first ?? []
    let words = bytes.withUnsafeBytes { bytes in
      [0, 8].compactMap { ByteReader(bytes).integer(at: $0, as: Int64.self) }
    }
    guard result.value == 0, words.count == 2 else {
      throw ProviumError(.refused, "clock_gettime: the guest's kernel returned \(result.value)")
    }
    return words[0] &* 1_000_000_000 &+ words[1]
  }

  private static func write(_ object: ClockObject, _ call: LuaCall, _ time: Int64) throws {
    let words = [time / 1_000_000_000, time % 1_000_000_000]
    let bytes = words.flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
    let result = try perform(object, "clock_settime", [0, 0], CallBuffer(argument: 1, bytes: bytes))
    if let errno = result.errno {
      throw ProviumError(.refused, "\(call.name): the guest's kernel refuses the time: \(errno)")
    }
  }

  private static func perform(
    _ object: ClockObject,
    _ name: String,
    _ arguments: [Int64],
    _ buffer: CallBuffer
  )
    throws -> SystemCallResult
  {
    guard let number = SyscallName.number(name, object.vm.architecture) else {
      throw ProviumError(.refused, "\(name): the guest's architecture has no such call")
    }
    let call = SystemCall(number: number, arguments: arguments, buffers: [buffer])
    return try object.vm.perform(name) { try $0.syscall(call, name: name, until: $1) }
  }
}
