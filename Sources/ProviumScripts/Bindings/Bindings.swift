import ProviumLua
import ProviumRuntime

/// The functions and types for VMs and fixtures that scripts use.
enum Bindings {
  /// Installs the bindings into a new state.
  static func install(in state: LuaState, _ context: ScriptContext) throws {
    let kernel = try KernelMethods.install(in: state, context)
    context.types.install(in: state)
    context.types.add { MachineMethods.makeType(kernel: kernel) }
    context.types.add(WorkerMethods.makeType)
    context.types.add(ProcessMethods.makeType)
    context.types.add(ConsoleMethods.makeType)
    context.types.add(TailMethods.makeType)
    context.types.add(ClockMethods.makeType)
    context.types.add(DiskMethods.makeType)
    context.types.add(NetworkMethods.makeType)
    context.types.add { [unowned context] in LabMethods.makeType(context) }
    context.types.add(LinkMethods.makeType)
    context.types.add(InterfaceMethods.makeType)
    context.types.add(StationMethods.makeType)
    context.types.add(GuestNumbers.makeType)
    context.types.add { LuaObjectType<MachineSnapshot>(name: "snapshot", methods: [:]) }
    try state.runPrelude(GuestMethods.matchingLines)
    try state.runPrelude(StreamReader.prelude)
    try ProviumLibrary.install(in: state, context)
    try CrashPointLibrary.install(in: state, context)
    try ConstantTables.install(in: state, context.scope.machines)
  }
}
