import ProviumAgentClient
import ProviumLua

/// What a script sees of a command's or a job's result.
enum ResultTables {
  /// `{ok, exit_code, stdout, stderr}`, and `signal`, `timed_out`, `held_by` where they apply. The streams are wrapped by
  /// the prelude (`.value`, `.contains(s)` …).
  static func command(_ result: ExecResult) -> LuaValue {
    var table = LuaTable()
    table["ok"] = .boolean(result.exitCode == 0 && !result.timedOut)
    table["exit_code"] = .integer(Int64(result.exitCode))
    table["stdout"] = .string(result.stdout)
    table["stderr"] = .string(result.stderr)
    if let signal = result.signal { table["signal"] = .integer(Int64(signal)) }
    if result.timedOut { table["timed_out"] = true }
    if let holder = result.outputHeldBy {
      table["held_by"] = .table(
        LuaTable(pairs: [
          .init(key: .text("pid"), value: .integer(Int64(holder.pid))),
          .init(key: .text("name"), value: .text(holder.name)),
        ])
      )
    }
    return .table(table)
  }

  /// `{exit_code, stdout, stderr, running}`, and `signal`, `truncated` where they apply; `exit_code` is -1 while the job
  /// runs.
  static func job(_ result: JobResult) -> LuaValue {
    var table = LuaTable()
    table["running"] = .boolean(result.isRunning)
    table["exit_code"] = .integer(Int64(result.exitCode))
    table["stdout"] = .string(result.stdout)
    table["stderr"] = .string(result.stderr)
    if let signal = result.signal { table["signal"] = .integer(Int64(signal)) }
    if result.isTruncated { table["truncated"] = true }
    return .table(table)
  }
}
