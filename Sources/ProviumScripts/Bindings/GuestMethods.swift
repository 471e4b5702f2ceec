import ProviumAgentClient
import ProviumLua
import ProviumRuntime
import ProviumSystem

/// The methods that VMs and workers share.
enum GuestMethods {
  static func all<Object: GuestObject>(_: Object.Type) -> [(String, LuaObjectType<Object>.Method)] {
    let methods: [(String, LuaObjectType<Object>.Method)] =
      [
        ("exec", exec), ("ktap", ProgramMethods.ktap), ("json", json), ("write_file", writeFile),
        ("read_file", readFile), ("dmesg", dmesg),
        ("mount_vfs", mountVFS), ("wait_until", waitUntil),
        ("start", ProcessMethods.start),
        ("background", JobMethods.background), ("job_wait", JobMethods.wait), ("job_kill", JobMethods.kill),
      ] + CallMethods.all(Object.self) + FileMethods.all(Object.self)
    return Misuse.translated(methods)
  }

  // MARK: Commands

  private static func exec<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let command = ByteString(try call.bytes(1, "cmd"))
    let exec = try CommandArguments.options(call)
    let result = try object.perform("exec \(command.brief)", allowance: exec.timeout ?? .zero) {
      try $0.exec(command, exec, until: $1)
    }
    return [ResultTables.command(result)]
  }

  private static func json<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let command = ByteString(try call.bytes(1, "cmd"))
    let result = try object.perform("json \(command.brief)") {
      try $0.exec(command, CommandOptions(), until: $1)
    }
    guard result.isSuccess else {
      let errors = result.standardError.text.trimmed
      throw call.misuse(
        "'\(command)' ended with exit code \(result.exitCode)\(errors.isEmpty ? "" : ": \(errors)")"
      )
    }
    do { return [try JSONTables.parse(result.standardOutput.bytes)] } catch {
      let place = JSONTables.excerpt(result.standardOutput.bytes, around: error)
      throw call.misuse("the output of '\(command)' is not JSON: \(error): \(place)")
    }
  }

  private static func waitUntil<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let condition = try call.function(1, "fn")
    let options = try call.options(2, known: ["timeout", "interval", "desc"])
    let timeout = try options["timeout"]?.duration() ?? .seconds(10)
    let interval = try options["interval"]?.duration() ?? .milliseconds(500)
    let what = try options["desc"]?.string() ?? "condition"
    let limit = timeout * object.machine.timeoutMultiplier
    let deadline = FairDeadline(length: limit, sample: object.context.scope.limits.sample).deadline
    while true {
      object.context.scope.activity("waiting for \(what)")
      let result = try call.state.call(condition)
      if let value = result.first, value.isTruthy { return [value] }
      if deadline.isExpired {
        let stretched =
          limit == timeout ? "" : " (waited \(Self.seconds(limit)) s: the timeout multiplier applies)"
        throw LuaAssertion("\(what) not met within \(Self.seconds(timeout)) s\(stretched)")
      }
      object.context.scope.context.sleep(min(interval, deadline.remaining))
    }
  }

  /// A number of seconds with at most three decimals: `0.2`, `10`.
  private static func seconds(_ duration: Duration) -> String {
    let value = duration.inSeconds
    return value == value.rounded() ? "\(Int(value))" : "\((value * 1000).rounded() / 1000)"
  }

  // MARK: Files

  private static func writeFile<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 3)
    let path = ByteString(try call.bytes(1, "path"))
    let data = try call.bytes(2, "data")
    let mode = try call.optional(3, "mode")?.integer(in: 0...0o7777).magnitude
    try object.perform("write_file \(path)") {
      try $0.writeFile(path, data, mode: mode.map { UInt32($0) }, until: $1)
    }
    return []
  }

  private static func readFile<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let path = ByteString(try call.bytes(1, "path"))
    return [.string(try object.perform("read_file \(path)") { try $0.readFile(path, until: $1) })]
  }

  private static func dmesg<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let pattern = try call.optional(1, "pattern").map { argument in
      let bytes = try argument.bytes()
      do { return try BasicRegularExpression(bytes) } catch {
        throw argument.refused(
          "is not a basic regular expression, as of grep: \(ByteText.quoted(bytes)): \(error)"
        )
      }
    }
    let log = try object.perform("dmesg") { try $0.kernelLog(until: $1) }
    guard let pattern else { return [.string(log)] }
    let lines = call.state.interrupt.inLibrary {
      pattern.matchingLines(of: log) { call.state.mustEnd }
    }
    return [.string(lines)]
  }

  private static func mountVFS<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try object.perform("mount_vfs") { try $0.mountVFS(until: $1) }
    return []
  }

  /// Matches by a Lua pattern if the text has magic characters and compiles, else by plain text.
  static let matchingLines = #"""
    local find, gmatch, concat = string.find, string.gmatch, table.concat
    return {
      matching_lines = function(log, pattern)
        local plain = not find(pattern, "[%^%$%(%)%%%.%[%]%*%+%-%?]") or not pcall(find, "", pattern)
        local lines = {}
        for line in gmatch(log, "[^\n]+") do
          if find(line, pattern, 1, plain) then lines[#lines + 1] = line .. "\n" end
        end
        return concat(lines)
      end,
    }
    """#
}
