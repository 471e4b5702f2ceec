import ProviumAgentClient
import ProviumLua
import ProviumRuntime
import ProviumSystem
import ProviumVM

/// The methods of a VM that a worker does not have, and the Lua type `vm`.
enum MachineMethods {
  static func makeType() -> LuaObjectType<VMObject> {
    LuaObjectType<VMObject>(
      name: "vm",
      methodList: Misuse.translated([
        ("boot", boot), ("shutdown", shutdown), ("kill", kill), ("state", state), ("spawn", spawn),
        ("expect_splat", expectSplat), ("snapshot", snapshot), ("restore", restore), ("reset", reset),
        ("disk", disk),
      ]) + GuestMethods.all(VMObject.self),
      memberNames: ["sys"],
      member: { try $1 == "sys" ? GuestNumbers.value(of: $0) : nil },
      describe: { $0.machine.label }
    )
  }

  private static func boot(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let options = try call.options(1, known: MachineConfiguration.luaOptions)
    try vm.machine.boot(MachineConfiguration(options, folder: vm.context.configuration.root))
    return [try vm.context.types.value(vm)]
  }

  private static func shutdown(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    vm.machine.shutDown()
    return []
  }

  private static func kill(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    vm.machine.kill("killed by the script", keepingReports: true)
    return []
  }

  private static func state(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    vm.machine.noticeDeath()
    return [.text(vm.machine.state.rawValue)]
  }

  private static func spawn(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let options = try call.options(1, known: ["thread", "shared"])
    let isThread = try options["thread"]?.boolean() ?? false
    let isShared = try options["shared"]?.boolean() ?? false
    if isThread && isShared { throw LuaError.misuse("spawn: a worker is a thread or shared, not both") }
    let worker = try vm.machine.spawn(isThread ? .thread : isShared ? .shared : .process)
    return [try vm.context.types.value(WorkerObject(worker, of: vm))]
  }

  /// `vm:snapshot()`
  private static func snapshot(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    vm.machine.noticeDeath()
    switch vm.machine.state {
    case .created, .paused, .shutdown:
      throw call.misuse("the machine is \(vm.machine.state.rawValue): only one that is booted can be kept")
    case .booted, .dead: break
    }
    return [try vm.context.types.value(try vm.machine.takeSnapshot())]
  }

  /// `vm:reset()`
  private static func reset(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try vm.machine.reset()
    return [try vm.context.types.value(vm)]
  }

  /// `vm:disk(id)`
  private static func disk(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let id = try call.string(1, "id")
    _ = try vm.machine.disk(id)
    return [try vm.context.types.value(DiskObject(id, of: vm.machine))]
  }

  /// `vm:restore(s)`
  private static func restore(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    try vm.machine.restore(
      try call.argument(1, "snapshot").object(try vm.context.types.type(of: MachineSnapshot.self))
    )
    return []
  }

  /// `vm:expect_splat(pattern, fn)`: a kernel report that `fn` is meant to cause.
  private static func expectSplat(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let pattern = try call.bytes(1, "pattern")
    let body = try call.function(2, "fn")
    let matches: (KernelReport) -> Bool = { report in
      let lines = try? call.state.call(
        call.state.preludeFunction("matching_lines"),
        [.text(report.text), .string(pattern)]
      )
      return lines?.first?.text?.isEmpty == false
    }
    let isMet = try vm.machine.expectReport(matches) { _ = try call.state.call(body) }
    guard isMet else {
      throw LuaAssertion("no kernel report matching \(ByteText.quoted(pattern)) appeared on the console")
    }
    return []
  }
}
