import ProviumLua

/// Everything that a script can call, installed into a fresh state.
enum Bindings {
  static func install(in state: LuaState, session: FileSession) throws {
    try state.register(global: "test") { [unowned session] in try session.runSubTest($0) }
    try state.register(global: "todo") { [unowned session] in try session.todo($0) }
    try state.register(global: "skip") { [unowned session] in try session.skip($0) }
    try state.runPrelude(GuestMethods.matchingLines)
    try ProviumLibrary.install(in: state, session: session)
  }
}
