import ProviumLua
import ProviumRuntime

/// Everything of VMs and fixtures that a script can call.
enum Bindings {
  /// Installs the bindings into a new state.
  static func install(in state: LuaState, _ context: ScriptContext) throws {
    context.types.add(MachineMethods.makeType())
    context.types.add(WorkerMethods.makeType())
    context.types.add(DiskMethods.makeType())
    context.types.add(GuestNumbers.makeType())
    context.types.add(LuaObjectType<MachineSnapshot>(name: "snapshot", methods: [:]))
    try state.runPrelude(GuestMethods.matchingLines)
    try ProviumLibrary.install(in: state, context)
    try CrashPointLibrary.install(in: state, context)
    try ConstantTables.install(in: state, context.scope.machines)
  }
}
