import ProviumBoot
import ProviumLua
import ProviumRuntime

/// `vm:kernel()` and `vm:config(option)`.
enum KernelMethods {
  /// Installs the type of the value of `vm:kernel()`: text that is compared as a version.
  static func install(in state: LuaState) throws {
    try state.runPrelude(
      source,
      natives: [
        "compare": { call in
          let release = try KernelMethods.release(call, 1), other = try KernelMethods.release(call, 2)
          // The side that a script wrote has fewer numbers, usually.
          let order =
            other.description.count <= release.description.count
            ? release.compare(to: other) : -other.compare(to: release)
          return [.integer(Int64(order))]
        }
      ]
    )
  }

  private static func release(_ call: LuaCall, _ index: Int) throws -> KernelRelease {
    let text = try call.string(index, "version")
    guard let release = KernelRelease(text) else {
      throw call.misuse("a kernel's release is compared with a version such as \"6.2\", got '\(text)'")
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
    return { kernel_release = function(release) return setmetatable({ release = release }, meta) end }
    """#

  /// `vm:kernel()`
  static func kernel(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    let release = try vm.machine.kernelRelease()
    return try call.state.call(call.state.preludeFunction("kernel_release"), [.text(release.description)])
  }

  /// `vm:config(option)`
  static func config(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let option = try call.string(1, "option")
    guard !option.isEmpty else { throw call.argument(1, "option").expected("an option such as \"IO_URING\"") }
    return [try vm.machine.kernelConfiguration()[option].map { .text($0) } ?? .nil]
  }
}
