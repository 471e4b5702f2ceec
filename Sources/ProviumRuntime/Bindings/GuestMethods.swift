import ProviumArchitecture
import ProviumAgentClient
import ProviumLua
import ProviumSystem

/// What a script holds that can be told to do something in the guest: a machine's main agent, or a worker.
protocol GuestHolder: AnyObject, SendableMetatype {
  var session: FileSession { get }
  /// As jobs are marked with it: whose they are within one machine.
  var jobHolder: String { get }
  /// What the state of its machine has behind it.
  var history: MachineHistory { get }
  /// Runs one operation under its deadline. A lost guest becomes a `HarnessFault`, a refusal a plain error.
  /// - Parameters:
  ///   - what: for whoever watches: `exec make check`.
  ///   - allowance: the operation's own time, added to the usual limit.
  func perform<Value>(
    _ what: String,
    allowance: Duration,
    _ operation: (GuestSession, Deadline) throws -> Value
  ) throws -> Value
  var architecture: Architecture { get }
  /// Time limits of its machine are multiplied by this.
  var timeScale: Double { get }
}

extension GuestHolder {
  func perform<Value>(_ what: String, _ operation: (GuestSession, Deadline) throws -> Value) throws -> Value {
    try perform(what, allowance: .zero, operation)
  }
}

/// The methods that machines and workers share.
enum GuestMethods {
  static func all<Holder: GuestHolder>(_: Holder.Type) -> [(String, LuaObjectType<Holder>.Method)] {
    let methods: [(String, LuaObjectType<Holder>.Method)] =
      [
        ("exec", exec), ("json", json), ("write_file", writeFile), ("read_file", readFile), ("dmesg", dmesg),
        ("mount_vfs", mountVFS), ("wait_until", waitUntil),
        ("background", JobMethods.background), ("job_wait", JobMethods.wait), ("job_kill", JobMethods.kill),
      ] + CallMethods.all(Holder.self)
    return methods.map { name, body in
      (name, { holder, call in try naming(call) { try body(holder, call) } })
    }
  }

  /// What the layers below refuse before they send anything is the script's mistake, in this call.
  private static func naming(_ call: LuaCall, _ body: () throws -> [LuaValue]) throws -> [LuaValue] {
    do { return try body() } catch let problem as InvalidArgument {
      throw call.misuse("argument '\(problem.name)': \(problem.reason)")
    }
  }

  // MARK: Commands

  private static func exec<Holder: GuestHolder>(_ holder: Holder, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let command = ByteString(try call.bytes(1, "cmd"))
    let options = try call.options(2, known: ["timeout", "env", "cwd", "stdin"])
    var exec = ExecOptions()
    exec.timeout = try options["timeout"]?.duration()
    exec.directory = try options["cwd"].map { ByteString(try $0.bytes()) }
    exec.stdin = try options["stdin"]?.bytes()
    exec.environment =
      try options["env"]?.entries().map { name, value in
        guard !name.isEmpty, !name.contains(UInt8(ascii: "=")) else {
          throw value.expected("the value of a name without '='")
        }
        return (ByteString(name), ByteString(try value.bytes()))
      } ?? []
    let result = try holder.perform("exec \(Self.brief(command))", allowance: exec.timeout ?? .zero) {
      try $0.exec(command, exec, until: $1)
    }
    return [ResultTables.command(result)]
  }

  private static func json<Holder: GuestHolder>(_ holder: Holder, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let command = ByteString(try call.bytes(1, "cmd"))
    let result = try holder.perform("json \(Self.brief(command))") {
      try $0.exec(command, ExecOptions(), until: $1)
    }
    guard result.isSuccess else {
      let errors = String(decoding: result.stderr, as: UTF8.self).trimmed
      throw call.misuse(
        "'\(command)' ended with exit code \(result.exitCode)\(errors.isEmpty ? "" : ": \(errors)")"
      )
    }
    do { return [try JSONTables.parse(result.stdout)] } catch {
      let place = JSONTables.excerpt(result.stdout, around: error)
      throw call.misuse("what '\(command)' printed is no JSON: \(error): \(place)")
    }
  }

  private static func waitUntil<Holder: GuestHolder>(_ holder: Holder, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let condition = try call.function(1, "fn")
    let options = try call.options(2, known: ["timeout", "interval", "desc"])
    let timeout = try options["timeout"]?.duration() ?? .seconds(10)
    let interval = try options["interval"]?.duration() ?? .milliseconds(500)
    let what = try options["desc"]?.string() ?? "condition"
    let limit = timeout * holder.timeScale
    let deadline = Deadline.after(limit)
    while true {
      holder.session.activity("waiting for \(what)")
      let result = try call.state.call(condition)
      if let value = result.first, value.isTruthy { return [value] }
      if deadline.isExpired {
        let stretched =
          limit == timeout ? "" : " (waited \(Self.seconds(limit)) s: limits stretch without KVM)"
        throw LuaAssertion("\(what) not met within \(Self.seconds(timeout)) s\(stretched)")
      }
      holder.session.pause(min(interval, deadline.remaining), in: call.state)
    }
  }

  /// `0.2`, `10`.
  private static func seconds(_ duration: Duration) -> String {
    let value = duration.inSeconds
    return value == value.rounded() ? "\(Int(value))" : "\((value * 1000).rounded() / 1000)"
  }

  /// One line of at most 60 characters.
  static func brief(_ text: ByteString) -> String {
    let line = text.description.split(separator: "\n").first.map { String($0).trimmed } ?? ""
    return line.count > 60 ? line.prefix(59) + "…" : line
  }

  // MARK: Files

  private static func writeFile<Holder: GuestHolder>(_ holder: Holder, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 3)
    let path = ByteString(try call.bytes(1, "path"))
    let data = try call.bytes(2, "data")
    let mode = try call.optional(3, "mode")?.integer(in: 0...0o7777).magnitude
    try holder.perform("write_file \(path)") {
      try $0.writeFile(path, data, mode: mode.map { UInt32($0) }, until: $1)
    }
    return []
  }

  private static func readFile<Holder: GuestHolder>(_ holder: Holder, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let path = ByteString(try call.bytes(1, "path"))
    return [.string(try holder.perform("read_file \(path)") { try $0.readFile(path, until: $1) })]
  }

  private static func dmesg<Holder: GuestHolder>(_ holder: Holder, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let pattern = try call.optional(1, "pattern")?.bytes()
    let log = try holder.perform("dmesg") { try $0.kernelLog(until: $1) }
    guard let pattern else { return [.string(log)] }
    return try call.state.call(
      call.state.preludeFunction("matching_lines"),
      [.string(log), .string(pattern)]
    )
  }

  private static func mountVFS<Holder: GuestHolder>(_ holder: Holder, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try holder.perform("mount_vfs") { try $0.mountVFS(until: $1) }
    return []
  }

  /// A Lua pattern when it has magic characters that compile, else plain.
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
