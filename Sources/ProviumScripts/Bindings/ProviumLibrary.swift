import ProviumAgentClient
import ProviumLua
import ProviumRuntime
import ProviumSystem

/// The global table `provium`.
enum ProviumLibrary {
  static func install(in state: LuaState, _ context: ScriptContext) throws {
    try state.register(
      library: "provium",
      functions: [
        "create": { [unowned context] in try create($0, context) },
        "fixture": { [unowned context] in try fixture($0, context) },
        "network": { [unowned context] in try NetworkMethods.network($0, context) },
        "lab": { [unowned context] in try LabMethods.lab($0, context) },
        "all": { [unowned context] in try ConcurrentCalls.all($0, context) },
        "claim": { [unowned context] in try claim($0, context) },
        "shutdown_all": { [unowned context] call in
          try call.expect(atMost: 0)
          context.scope.machines.shutDownAll()
          return []
        },
        "pack": { try pack($0) },
        "unpack": { try unpack($0) },
        "IO": { try ioctlNumber($0, .none) },
        "IOR": { try ioctlNumber($0, .read) },
        "IOW": { try ioctlNumber($0, .write) },
        "IOWR": { try ioctlNumber($0, .readWrite) },
      ],
      values: [
        "version": .text(ProviumVersion.string), "null": .null,
        "kernel": context.configuration.kernel.map { .text($0) } ?? .boolean(false),
      ]
    )
    try state.runPrelude(
      assignment,
      natives: ["set": { [unowned context] in try set($0, context) }]
    )
  }

  private static let assignment = #"""
    local native = ...
    local set = native.set
    getmetatable(provium).__newindex = function(_, key, value) set(key, value) end
    """#

  /// `provium.fresh = true` at the top of a file.
  private static func set(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let key = call.arguments.first ?? .nil
    guard key == .text("fresh") else {
      throw LuaError.misuse("provium.\(key.text ?? key.given) cannot be assigned; only provium.fresh can")
    }
    context.scope.context.isFresh = try call.argument(2, "fresh").boolean()
    return []
  }

  // MARK: VMs

  private static func create(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let name = try call.optionalString(1, "profile") ?? Profile.builtIn.name
    let profile: Profile
    do { profile = try context.configuration.profile(name) } catch { throw call.misuse("\(error)") }
    return [try vm(context.scope.machines.add(profile: profile), context)]
  }

  private static func fixture(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let name = try call.string(1, "name")
    let networks = try NetworkOptions(call.options(2, known: NetworkOptions.names), context)
    // A user error is a misuse of this call; other errors are not.
    do {
      let machine = try Misuse.translating(call) {
        try context.fixtures.resume(
          name,
          networks: networks.requests,
          hostName: networks.hostName,
          in: context.scope
        )
      }
      try context.scope.machines.updateHosts()
      return [try vm(machine, context)]
    } catch let error as FixtureError {
      throw error.code.failureKind == .error ? call.misuse("\(error)") : error
    }
  }

  private static func vm(_ machine: Machine, _ context: ScriptContext) throws -> LuaValue {
    try context.types.value(VMObject(machine, context))
  }

  /// `provium.claim{memory=…, cpus=…}`: reserves what all VMs of the file need together.
  private static func claim(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    let options = try call.options(1, "claim", known: ["memory", "cpus"])
    let request = PoolRequest(
      memory: try options["memory"]?.size() ?? 512 << 20,
      cpus: Int(try options["cpus"]?.integer(in: 1...1024) ?? 1),
      isColdBoot: false
    )
    try Misuse.translating(call) { try context.scope.reserve(request) }
    return []
  }

  // MARK: Data

  private static func pack(_ call: LuaCall) throws -> [LuaValue] {
    let text = try call.string(1, "fmt")
    let values = try call.arguments.indices.dropFirst().map { index -> PackFormat.Value in
      let argument = call.argument(index + 1, "value \(index)")
      if case .string(let bytes) = argument.value { return .bytes(bytes) }
      // Lua has no integer of 2^63 and more: the script has a float, which fits u64.
      if case .number(let number) = argument.value, Int64(exactly: number) == nil,
        let large = UInt64(exactly: number)
      {
        return .large(large)
      }
      return .integer(try argument.integer())
    }
    do { return [.string(try PackFormat(text).pack(values))] } catch let failure as PackFormat.Failure {
      throw call.misuse("\(failure)")
    }
  }

  private static func unpack(_ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 3)
    let text = try call.string(1, "fmt")
    let data = try call.memory(2, "data")
    let offset = try call.optional(3, "offset")?.integer(in: 0...Int64(Int32.max)) ?? 0
    do {
      return try PackFormat(text).unpack(data, at: Int(offset)).map { value in
        switch value {
        case .integer(let number): .integer(number)
        case .large(let number): .integer(Int64(bitPattern: number))
        case .bytes(let bytes): .string(bytes)
        }
      }
    } catch let failure as PackFormat.Failure {
      throw call.misuse("\(failure)")
    }
  }

  /// `provium.IOR(type, nr, size)`: `type` is a number or a one-letter string.
  private static func ioctlNumber(_ call: LuaCall, _ direction: IoctlDirection) throws -> [LuaValue] {
    try call.expect(atMost: direction == .none ? 2 : 3)
    let type: Int64
    if case .string(let bytes) = call.argument(1, "type").value {
      guard bytes.count == 1 else {
        throw call.argument(1, "type").expected("a number from 0 to 255, or one letter")
      }
      type = Int64(bytes[0])
    } else {
      type = try call.argument(1, "type").integer(in: 0...255)
    }
    let number = try call.argument(2, "nr").integer(in: 0...255)
    let size = direction == .none ? 0 : try call.argument(3, "size").integer(in: 0...16383)
    return [.integer(Int64(direction.rawValue) << 30 | size << 16 | type << 8 | number)]
  }

  /// The two highest bits of an ioctl's number (asm-generic/ioctl.h), seen from user space.
  private enum IoctlDirection: Int64 { case none = 0, write = 1, read = 2, readWrite = 3 }
}
