import ProviumBoot
import ProviumLua
import ProviumRuntime

/// `vm:kernel()` and `vm:config(option)`.
enum KernelMethods {
  /// Installs `vm:kernel()`, whose value is text that is compared as a version.
  /// - Returns: The method. It is a function of Lua, since a value that Swift returns has no metatable.
  static func install(in state: LuaState, _ context: ScriptContext) throws -> LuaFunction {
    try state.runPrelude(
      source,
      natives: [
        "release": { [unowned context] call in
          try call.expect(atMost: 1)
          let vm = try call.argument(1, "vm").object(try context.types.type(of: VMObject.self))
          return [.text(try Misuse.translating(call) { try vm.machine.kernelRelease().description })]
        },
        "compare": { call in
          let release = try KernelMethods.release(call, 1), other = try KernelMethods.release(call, 2)
          // The side that a script wrote has fewer numbers, usually.
          let order =
            other.description.count <= release.description.count
            ? release.compare(to: other) : -other.compare(to: release)
          return [.integer(Int64(order))]
        },
      ]
    )
    return try state.preludeFunction("kernel")
  }

  private static func release(_ call: LuaCall, _ index: Int) throws -> KernelRelease {
    let text = try call.string(index, "version")
    guard let release = KernelRelease(text) else {
      throw LuaError.misuse("a kernel's release is compared with a version such as \"6.2\", got '\(text)'")
    }
    return release
  }

  private static let source = #"""
    local native = ...
    local compare = native.compare
    local rawget, setmetatable, tostring, type = rawget, setmetatable, tostring, type
    local meta = { __name = "kernel release", __metatable = "kernel release" }
    local function text(value) return type(value) == "table" and rawget(value, "release") or value end
    local function order(a, b) return compare(text(a), text(b)) end
    meta.__lt = function(a, b) return order(a, b) < 0 end
    meta.__le = function(a, b) return order(a, b) <= 0 end
    meta.__eq = function(a, b) return order(a, b) == 0 end
    meta.__tostring = function(self) return self.release end
    meta.__concat = function(a, b) return tostring(a) .. tostring(b) end
    meta.__len = function(self) return #self.release end
    local read = native.release
    return { kernel = function(...) return setmetatable({ release = read(...) }, meta) end }
    """#

  /// `vm:config(option)`
  static func config(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let option = try call.string(1, "option")
    guard !option.isEmpty else { throw call.argument(1, "option").expected("an option such as \"IO_URING\"") }
    return [try vm.machine.kernelConfiguration()[option].map { .text($0) } ?? .nil]
  }
}
