import ProviumAgentClient
import ProviumLua

/// Lua tables of the results of commands and jobs.
enum ResultTables {
  /// Returns `{ok, exit_code, stdout, stderr}`, with `signal`, `timed_out` and `held_by` if they apply. The
  /// prelude adds `.value`, `.contains(s)` and others to the streams.
  static func command(_ result: CommandResult) -> LuaValue {
    var table = LuaTable()
    table["ok"] = .boolean(result.status.isSuccess && !result.timedOut)
    table["exit_code"] = .integer(Int64(result.exitCode))
    table["stdout"] = .string(result.standardOutput.bytes)
    table["stderr"] = .string(result.standardError.bytes)
    if case .signaled(let signal) = result.status { table["signal"] = .integer(Int64(signal.rawValue)) }
    if result.timedOut { table["timed_out"] = true }
    if let holder = result.outputHolder {
      table["held_by"] = .table(
        LuaTable(pairs: [
          .init(key: .text("pid"), value: .integer(Int64(holder.pid))),
          .init(key: .text("name"), value: .text(holder.name)),
        ])
      )
    }
    return .table(table)
  }

  /// Returns `{exit_code, stdout, stderr, running}`, with `signal` and `truncated` if they apply. `exit_code`
  /// is -1 while the job runs.
  static func job(_ result: JobResult) -> LuaValue {
    var table = LuaTable()
    table["running"] = .boolean(result.isRunning)
    table["exit_code"] = .integer(Int64(result.status?.shellCode ?? -1))
    table["stdout"] = .string(result.standardOutput.bytes)
    table["stderr"] = .string(result.standardError.bytes)
    if case .signaled(let signal)? = result.status { table["signal"] = .integer(Int64(signal.rawValue)) }
    if result.isTruncated { table["truncated"] = true }
    return .table(table)
  }
}
