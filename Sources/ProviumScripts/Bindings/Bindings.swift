import ProviumLua
import ProviumRuntime

/// The functions and types for VMs and fixtures that scripts use.
enum Bindings {
  /// Installs the bindings into a new state.
  static func install(in state: LuaState, _ context: ScriptContext) throws {
    let kernel = try KernelMethods.install(in: state, context)
    try context.types.add(MachineMethods.makeType(kernel: kernel), in: state)
    try context.types.add(WorkerMethods.makeType(), in: state)
    try context.types.add(ProcessMethods.makeType(), in: state)
    try context.types.add(ConsoleMethods.makeType(), in: state)
    try context.types.add(TailMethods.makeType(), in: state)
    try context.types.add(ClockMethods.makeType(), in: state)
    try context.types.add(DiskMethods.makeType(), in: state)
    try context.types.add(NetworkMethods.makeType(), in: state)
    try context.types.add(LabMethods.makeType(context), in: state)
    try context.types.add(LinkMethods.makeType(), in: state)
    try context.types.add(InterfaceMethods.makeType(), in: state)
    try context.types.add(StationMethods.makeType(), in: state)
    try context.types.add(GuestNumbers.makeType(), in: state)
    try context.types.add(LuaObjectType<MachineSnapshot>(name: "snapshot", methods: [:]), in: state)
    try state.runPrelude(GuestMethods.matchingLines)
    try state.runPrelude(StreamReader.prelude)
    try ProviumLibrary.install(in: state, context)
    try CrashPointLibrary.install(in: state, context)
    try ConstantTables.install(in: state, context.scope.machines)
  }
}
