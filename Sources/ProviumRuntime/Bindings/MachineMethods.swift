import ProviumLua
import ProviumVM
import ProviumSystem

extension ScriptMachine {
  /// The Lua type `vm`, for one state.
  static func makeType() -> LuaObjectType<ScriptMachine> {
    LuaObjectType<ScriptMachine>(
      name: "vm",
      methodList: [
        ("boot", boot), ("shutdown", shutdown), ("kill", kill), ("state", state), ("spawn", spawn),
        ("expect_splat", expectSplat), ("snapshot", snapshot), ("restore", restore),
      ] + GuestMethods.all(ScriptMachine.self),
      memberNames: ["sys"],
      member: { $1 == "sys" ? GuestNumbers.value(of: $0) : nil },
      describe: { $0.label }
    )
  }

  private static func boot(_ machine: ScriptMachine, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let options = try call.options(1, known: BootOptions.known)
    try machine.boot(BootOptions.configuration(options, folder: machine.session.engine.configuration.root))
    return [machine.session.vmType.value(machine)]
  }

  private static func shutdown(_ machine: ScriptMachine, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    machine.shutDown()
    return []
  }

  private static func kill(_ machine: ScriptMachine, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    machine.kill("killed by the script")
    return []
  }

  private static func state(_ machine: ScriptMachine, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    machine.noticeDeath()
    return [.text(machine.state.rawValue)]
  }

  private static func spawn(_ machine: ScriptMachine, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let options = try call.options(1, known: ["thread"])
    return [
      machine.session.workerType.value(try machine.spawn(thread: try options["thread"]?.boolean() ?? false))
    ]
  }

  /// `vm:snapshot()`
  private static func snapshot(_ machine: ScriptMachine, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    machine.noticeDeath()
    switch machine.state {
    case .created, .paused, .shutdown:
      throw call.misuse("the machine is \(machine.state.rawValue): only one that is booted can be kept")
    case .booted, .dead: break
    }
    return [machine.session.snapshotType.value(try machine.takeSnapshot())]
  }

  /// `vm:restore(s)`
  private static func restore(_ machine: ScriptMachine, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let snapshot = try call.argument(1, "snapshot").object(machine.session.snapshotType)
    guard snapshot.machine === machine else { throw call.misuse("the snapshot is another machine's") }
    try machine.restore(snapshot)
    return []
  }

  /// `vm:expect_splat(pattern, fn)`: a report that `fn` is meant to cause.
  private static func expectSplat(_ machine: ScriptMachine, _ call: LuaCall) throws -> [LuaValue] {
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
    let isMet = try machine.expectSplat(matches) { _ = try call.state.call(body) }
    guard isMet else {
      throw LuaAssertion("no kernel report matching \(ByteText.quoted(pattern)) appeared on the console")
    }
    return []
  }
}
