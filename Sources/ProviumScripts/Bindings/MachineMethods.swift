import ProviumAgentClient
import ProviumLua
import ProviumRuntime
import ProviumSystem
import ProviumVM

/// The methods of a VM that a worker does not have, and the Lua type `vm`.
enum MachineMethods {
  /// - Parameter kernel: `vm:kernel()`, see `KernelMethods`.
  static func makeType(kernel: LuaFunction) -> LuaObjectType<VMObject> {
    LuaObjectType<VMObject>(
      name: "vm",
      methodList: Misuse.translated([
        ("boot", boot), ("try_boot", tryBoot), ("shutdown", shutdown), ("kill", kill), ("state", state),
        ("console", console), ("clock", clock), ("pause", pause), ("unpause", unpause), ("nmi", nmi),
        ("power_button", powerButton), ("reset", reset), ("reboot", reboot), ("disk", disk), ("spawn", spawn),
        ("share", share),
        ("expect_splat", expectSplat), ("snapshot", snapshot), ("restore", restore),
        ("nic", NetworkMethods.nic), ("config", KernelMethods.config),
      ]) + GuestMethods.all(VMObject.self),
      memberNames: ["sys", "kernel"],
      member: { vm, name in
        switch name {
        case "sys": try GuestNumbers.value(of: vm)
        case "kernel": .function(kernel)
        default: nil
        }
      },
      describe: { $0.machine.label }
    )
  }

  private static func boot(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let options = try call.options(1, known: MachineConfiguration.luaOptions + NetworkOptions.names)
    let networks = try NetworkOptions(options, vm.context)
    try vm.machine.boot(
      MachineConfiguration(options, folder: vm.context.configuration.root),
      networks: networks.requests,
      hostName: networks.hostName
    )
    try vm.context.scope.machines.updateHosts()
    return [try vm.context.types.value(vm)]
  }

  /// `vm:try_boot(opts?)`: a boot that may fail.
  private static func tryBoot(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let options = try call.options(1, known: MachineConfiguration.luaOptions)
    let attempt = try vm.machine.tryBoot(
      MachineConfiguration(options, folder: vm.context.configuration.root)
    )
    return [
      [
        "booted": .boolean(attempt.failure == nil), "stage": .text(attempt.stage.word),
        "reason": attempt.failure.map { .text($0) } ?? .nil,
        "console": .text(attempt.console.joined(separator: "\n")),
        "reports": .list(
          attempt.reports.map {
            ["kind": .text($0.kind.rawValue), "title": .text($0.title), "text": .text($0.text)]
          }
        ),
      ]
    ]
  }

  private static func console(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    return [try vm.context.types.value(vm.console)]
  }

  private static func clock(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    return [try vm.context.types.value(ClockObject(vm))]
  }

  private static func pause(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try vm.machine.pause()
    return []
  }

  private static func unpause(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try vm.machine.unpause()
    return []
  }

  private static func nmi(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try vm.machine.injectNMI()
    return []
  }

  private static func powerButton(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try vm.machine.pressPowerButton()
    return []
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
    let state = vm.machine.isHalted ? MachineState.paused : vm.machine.state
    return [.text(state.rawValue)]
  }

  private static func spawn(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let options = try call.options(1, known: ["thread", "shared", "time_offset"])
    let isThread = try options["thread"]?.boolean() ?? false
    let isShared = try options["shared"]?.boolean() ?? false
    if isThread && isShared { throw LuaError.misuse("spawn: a worker is a thread or shared, not both") }
    let timeOffset = try options["time_offset"]?.duration()
    if timeOffset != nil, isThread || isShared {
      throw LuaError.misuse("spawn: only a worker that is a process can have a time_offset")
    }
    let kind: WorkerKind = isThread ? .thread : isShared ? .shared : .process
    let worker = try vm.machine.spawn(kind, timeOffset: timeOffset)
    return [try vm.context.types.value(WorkerObject(worker, of: vm))]
  }

  /// `vm:snapshot()`: saves the VM and resumes it.
  private static func snapshot(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    vm.machine.noticeDeath()
    switch vm.machine.state {
    case .created, .paused, .shutdown:
      throw call.misuse("the machine is \(vm.machine.state.rawValue): only a booted VM can be saved")
    case .booted, .dead: break
    }
    return [try vm.context.types.value(try vm.machine.takeSnapshot())]
  }

  /// `vm:reset()`: boots the VM again.
  private static func reset(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try vm.machine.reset()
    try vm.context.scope.machines.updateHosts()
    return [try vm.context.types.value(vm)]
  }

  /// `vm:reboot()`: shuts the guest down and boots the VM again.
  private static func reboot(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try vm.machine.reboot()
    try vm.context.scope.machines.updateHosts()
    return [try vm.context.types.value(vm)]
  }

  /// `vm:disk(id)`: returns a disk that the test controls.
  private static func disk(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let id = try call.string(1, "id")
    _ = try vm.machine.disk(id)
    return [try vm.context.types.value(DiskObject(id, of: vm))]
  }

  /// `vm:share(folder, path, opts?)`: mounts a folder of the host in the running guest.
  private static func share(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 3)
    let folder = call.argument(1, "folder")
    var device = SharedFolder(try folder.path(), at: try call.string(2, "path"))
    try device.apply(try call.options(3, known: SharedFolder.luaOptions))
    do { try vm.machine.share(device) } catch let error as InvalidConfiguration {
      throw try folder.refused("at \(call.string(2, "path")) \(error.reason)")
    }
    return []
  }

  /// `vm:restore(s)`: returns the VM to the state of a snapshot.
  private static func restore(_ vm: VMObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    try vm.machine.restore(
      try call.argument(1, "snapshot").object(try vm.context.types.type(of: MachineSnapshot.self))
    )
    try vm.context.scope.machines.updateHosts()
    return []
  }

  /// `vm:expect_splat(pattern, fn)`: runs `fn`, during which a matching kernel report must appear.
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
      throw LuaAssertion("no kernel report that matches \(ByteText.quoted(pattern)) appeared")
    }
    return []
  }
}
