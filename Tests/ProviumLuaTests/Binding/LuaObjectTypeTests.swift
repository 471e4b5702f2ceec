import Testing

@testable import ProviumLua

private final class Machine {
  let name: String
  let onEnd: () -> Void
  init(_ name: String, onEnd: @escaping () -> Void = {}) {
    self.name = name
    self.onEnd = onEnd
  }
  deinit { onEnd() }
}

@Suite("Objects that scripts hold")
struct LuaObjectTypeTests {
  private let state: LuaState
  private let type: LuaObjectType<Machine>

  init() throws {
    state = try LuaState()
    let own = LuaObjectTypeBox()
    type = LuaObjectType(
      name: "vm",
      methods: [
        "exec": { machine, call in [.text("\(machine.name)> \(try call.string(1, "cmd"))")] },
        "boot": { machine, _ in [try #require(own.type).value(machine)] },
      ],
      describe: { "vm \($0.name)" }
    )
    own.type = type
    try state.define(type)
    try state.setGlobal("vm", type.value(Machine("a")))
  }

  private final class LuaObjectTypeBox { weak var type: LuaObjectType<Machine>? }

  private func message(_ script: String) -> String {
    do {
      return "\(try state.run(script, chunkName: "a.lua"))"
    } catch {
      return error.description
    }
  }

  @Test("a method is called on the instance")
  func methods() throws {
    #expect(try state.run("return vm:exec('ls')", chunkName: "a.lua") == ["a> ls"])
  }

  @Test("one instance is one Lua value")
  func identity() throws {
    #expect(
      try state.run("return vm:boot() == vm, tostring(vm), type(vm)", chunkName: "a.lua") == [
        true, "vm a", "userdata",
      ]
    )
  }

  @Test("a method that is called with a dot says to use a colon")
  func dot() {
    #expect(
      message("vm.exec('ls')")
        == "a.lua:1: vm:exec: call it with a colon, vm:exec(…), not vm.exec(…): the first argument must be the vm "
        + "itself, got string \"ls\""
    )
  }

  @Test("the error for an unknown method names the nearest one, else all methods")
  func unknown() {
    #expect(message("vm:exce('ls')") == "a.lua:1: vm has no method 'exce' (did you mean 'exec'?)")
    #expect(message("local x = vm.colour") == "a.lua:1: vm has no method 'colour'; it has: exec, boot")
    #expect(message("local x = vm[1]") == "a.lua:1: vm cannot be indexed by number 1")
  }

  @Test("a script can neither assign fields of an object nor change its metatable")
  func assign() throws {
    #expect(
      message("vm.exec = 1")
        == "a.lua:1: vm: cannot assign 'exec': a vm has no fields of the script's own"
    )
    #expect(message("setmetatable(vm, {})").contains("table expected"))
    #expect(try state.run("return getmetatable(vm)", chunkName: "a.lua") == ["vm"])
  }

  @Test("an instance lives as long as a script holds it")
  func lifetime() throws {
    var ended = 0
    try state.register(global: "make") { [type] _ in [type.value(Machine("x") { ended += 1 })] }
    try state.run(
      "kept = make() for _ = 1, 10 do make() end collectgarbage() collectgarbage()",
      chunkName: "a.lua"
    )
    #expect(ended == 10)
    try state.run("kept = nil collectgarbage() collectgarbage()", chunkName: "a.lua")
    #expect(ended == 11)
    try state.run("kept = make()", chunkName: "a.lua")
    state.close()
    #expect(ended == 12)
  }

  @Test("an instance that is returned again before its old value is collected stays alive")
  func resurrection() throws {
    let machine = Machine("x")
    try state.register(global: "same") { [type] _ in [type.value(machine)] }
    try state.run(
      "for _ = 1, 1000 do same() end local a, b = same(), same() assert(a == b and a:exec('1') == 'x> 1')",
      chunkName: "a.lua"
    )
    #expect(try state.run("collectgarbage() return same():exec('2')", chunkName: "a.lua") == ["x> 2"])
  }

  @Test("the deinit of an object may enter Lua")
  func reentrantDeinit() throws {
    let state = state
    defer { state.close() }  // the function below holds it
    try state.register(global: "make") { [type] _ in
      [type.value(Machine("x") { _ = try? state.run("ended = (ended or 0) + 1", chunkName: "b.lua") })]
    }
    try state.run("for _ = 1, 50 do make() end collectgarbage() collectgarbage()", chunkName: "a.lua")
    #expect(try state.global("ended") == 50)
  }

  @Test("an object of a type that the state does not define is refused, and defining a type is idempotent")
  func undefined() throws {
    let job = LuaObjectType<Machine>(name: "job", methods: [:])
    let error = #expect(throws: LuaFailure.self) { try state.setGlobal("job", job.value(Machine("j"))) }
    #expect(error?.message == "the type 'job' is not defined in this Lua state")
    try state.define(job)
    try state.define(job)
    try state.setGlobal("job", job.value(Machine("j")))
    #expect(try state.run("return tostring(job)", chunkName: "a.lua") == ["job"])
  }

  @Test("an argument of the wrong object type is refused")
  func wrongType() throws {
    let job = LuaObjectType<Machine>(
      name: "job",
      methods: [
        "take": { [type] machine, call in
          [.text(try call.argument(1, "vm").object(type).name)]
        }
      ]
    )
    try state.define(job)
    try state.setGlobal("job", job.value(Machine("j")))
    #expect(try state.run("return job:take(vm)", chunkName: "a.lua") == ["a"])
    #expect(message("job:take(job)") == "a.lua:1: job:take: argument 'vm' must be a vm, got job")
    #expect(message("vm.exec(job, 'x')").contains("call it with a colon"))
  }
}
