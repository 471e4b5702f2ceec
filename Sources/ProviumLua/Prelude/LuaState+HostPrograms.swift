import Glibc
import ProviumSystem

extension LuaState {
  /// Implements the prelude's `execute(command)`: returns what `os.execute` returns.
  static func execute(_ call: LuaCall) throws -> [LuaValue] {
    let pid = try start(call)
    return ending(try call.state.interrupt.programs.wait(pid, until: call.state.deadline))
  }

  /// Implements the prelude's `open_program(command, mode)`: returns the descriptor to read from or to write
  /// to, and the program's pid.
  static func openProgram(_ call: LuaCall) throws -> [LuaValue] {
    let pipe = try Descriptor.pipe()
    if try call.string(2, "mode") == "r" {
      let pid = try start(call, descriptors: [1: pipe.write.raw])
      return [.integer(Int64(pipe.closingWrite().release())), .integer(Int64(pid))]
    }
    let pid = try start(call, descriptors: [0: pipe.read.raw])
    return [.integer(Int64(pipe.closingRead().release())), .integer(Int64(pid))]
  }

  private static func start(_ call: LuaCall, descriptors: [Int32: Int32] = [:]) throws -> Int32 {
    let interrupt = call.state.interrupt
    let pid = try interrupt.programs.start(try call.string(1, "command"), descriptors: descriptors)
    // An interrupt that was raised before the program was registered has not ended it.
    if interrupt.reason != nil { interrupt.programs.endRunning() }
    return pid
  }

  /// Implements the prelude's `close_program(pid)`: waits for the program after its stream was closed.
  static func closeProgram(_ call: LuaCall) throws -> [LuaValue] {
    let pid = Int32(truncatingIfNeeded: try call.integer(1, "pid"))
    return ending(try call.state.interrupt.programs.wait(pid, until: call.state.deadline))
  }

  /// The results of `luaL_execresult`: true or nil, `"exit"` or `"signal"`, the number.
  private static func ending(_ status: ExitStatus?) -> [LuaValue] {
    switch status {
    case .exited(let code)?: [code == 0 ? .boolean(true) : .nil, "exit", .integer(Int64(code))]
    case .signaled(let signal)?: [.nil, "signal", .integer(Int64(signal.rawValue))]
    case nil: [.nil, "signal", .integer(Int64(SIGKILL))]
    }
  }
}
