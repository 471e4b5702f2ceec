import ProviumLua
import ProviumRuntime

/// `provium.all{fn, …}`: functions of the script that run side by side.
///
/// Each function has a thread and a Lua thread of its own. One thread at a time runs Lua; a function that waits for a guest
/// lets the others run.
enum ConcurrentCalls {
  /// The most functions of one call: each takes a thread.
  static let most = 64

  static func all(_ call: LuaCall, _ context: ScriptContext) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let argument = call.argument(1, "functions")
    let functions = try argument.list().map { try $0.function() }
    guard (1...most).contains(functions.count) else {
      throw argument.expected("a list of 1 to \(most) functions")
    }
    let scope = context.scope
    guard scope.context.branches == nil else {
      throw call.misuse("cannot be called inside another provium.all: give all functions to one call")
    }
    let results = try ConcurrentRun(functions, in: call.state, context, name: "provium.all").run()
    // A boot does not wait for VMs that other functions use.
    try scope.machines.updateHosts()
    return results
  }
}
