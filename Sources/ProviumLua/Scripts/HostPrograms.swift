import Glibc
import ProviumSystem
import Synchronization

/// Programs of the host that a script started by `os.execute` and `io.popen`. C's own would wait for them where no time limit
/// and no interrupt comes, and leave them behind.
package final class HostPrograms: Sendable {
  private struct State {
    var running: [Int32: ChildProcess] = [:]
    /// Process groups whose leader has ended, and which somebody is left in: `os.execute("server &")`.
    var groups: Set<Int32> = []
  }
  private let state = Mutex(State())

  /// Runs a line of shell. What it inherits besides `descriptors` (its number → ours) is our input, output and errors.
  func start(_ command: String, descriptors: [Int32: Int32] = [:]) throws -> Int32 {
    let standard = [Int32(0): Int32(0), 1: 1, 2: 2]
    let child = try ChildProcess(
      executable: "/bin/sh",
      arguments: ["-c", command],
      descriptors: standard.merging(descriptors) { $1 }
    )
    state.withLock { $0.running[child.pid] = child }
    return child.pid
  }

  /// Waits until it has ended; what has not by the deadline is killed. nil: it is none of ours, or was waited for already.
  func wait(_ pid: Int32, until deadline: Deadline) throws -> ExitStatus? {
    guard let child = state.withLock({ $0.running[pid] }) else { return nil }
    let ended = try child.wait(until: deadline) ?? child.terminate()
    state.withLock { state in
      state.running[pid] = nil
      if kill(-pid, 0) == 0 { state.groups.insert(pid) }
    }
    return ended
  }

  /// Kills what the script waits for, or reads from. Any thread.
  package func endRunning() {
    for child in state.withLock({ $0.running.values.map { $0 } }) { child.signal(SIGKILL, group: true) }
  }

  /// Ends everything that is left.
  func close() {
    endRunning()
    let (running, groups) = state.withLock { state in
      defer { state = State() }
      return (state.running.values.map { $0 }, state.groups)
    }
    running.forEach { $0.terminate() }
    groups.forEach { kill(-$0, SIGKILL) }
  }
}

extension LuaState {
  /// `execute(command)`: how it ended, as `os.execute` says it.
  static func execute(_ call: LuaCall) throws -> [LuaValue] {
    let pid = try start(call)
    return ending(try call.state.interrupt.programs.wait(pid, until: call.state.deadline))
  }

  /// `open_program(command, mode)`: the descriptor to read from or to write to, and the program's pid.
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
    // One that was raised a moment before did not meet it.
    if interrupt.reason != nil { interrupt.programs.endRunning() }
    return pid
  }

  /// `close_program(pid)`: waits for it, after its stream was closed.
  static func closeProgram(_ call: LuaCall) throws -> [LuaValue] {
    let pid = Int32(truncatingIfNeeded: try call.integer(1, "pid"))
    return ending(try call.state.interrupt.programs.wait(pid, until: call.state.deadline))
  }

  /// As `luaL_execresult`: true or nil, `"exit"` or `"signal"`, the number.
  private static func ending(_ status: ExitStatus?) -> [LuaValue] {
    switch status {
    case .exited(let code)?: [code == 0 ? .boolean(true) : .nil, "exit", .integer(Int64(code))]
    case .signaled(let signal)?: [.nil, "signal", .integer(Int64(signal.rawValue))]
    case nil: [.nil, "signal", .integer(Int64(SIGKILL))]
    }
  }
}
