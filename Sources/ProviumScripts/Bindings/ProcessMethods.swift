import ProviumAgentClient
import ProviumArchitecture
import ProviumLua
import ProviumRuntime
import ProviumSystem

/// A process with live streams as a script holds it: what `vm:start` returns.
final class ProcessObject {
  unowned let context: ScriptContext
  let machine: Machine
  let process: LiveProcess

  init(_ process: LiveProcess, of machine: Machine, _ context: ScriptContext) {
    self.process = process
    self.machine = machine
    self.context = context
  }

  func reader(_ stream: String, _ buffer: StreamBuffer) -> StreamReader {
    StreamReader(
      name: "the \(stream) of '\(process.name)'",
      context: context,
      machine: machine,
      buffer: buffer,
      refresh: { try self.process.refresh() },
      fill: { try self.process.read(until: $0) }
    )
  }

  var output: StreamReader { reader("output", process.output) }
  var errors: StreamReader { reader("standard error", process.errors) }
}

/// The Lua type `process`.
enum ProcessMethods {
  static func makeType() -> LuaObjectType<ProcessObject> {
    LuaObjectType<ProcessObject>(
      name: "process",
      methodList: Misuse.translated([
        ("read", { try $0.output.read($1) }), ("read_error", { try $0.errors.read($1) }),
        ("read_until", { try $0.output.readUntil($1) }), ("read_line", { try $0.output.readLine($1) }),
        ("expect", { try $0.output.expect($1) }),
        ("lines", { try StreamReader.lines(try $0.context.types.value($0), $1) }),
        ("write", write), ("close", close), ("signal", signal), ("resize", resize), ("wait", wait),
        ("running", isRunning), ("kill", kill), ("pid", pid),
      ]),
      describe: { "process '\($0.process.name)'" }
    )
  }

  /// `vm:start(cmd [, opts])`
  static func start<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let command = ByteString(try call.bytes(1, "cmd"))
    let options = try call.options(2, known: ["env", "cwd", "terminal"])
    var settings = try options.commandOptions()
    let terminal = try options["terminal"].flatMap { try size($0) }
    if terminal != nil, settings.variables["TERM"] == nil { settings.variables["TERM"] = "xterm" }
    let process = try LiveProcess(
      command,
      settings,
      terminal: terminal,
      on: object.machine,
      worker: object.startingWorker
    )
    return [try object.context.types.value(ProcessObject(process, of: object.machine, object.context))]
  }

  /// Decodes `{columns, rows}`; `true` is 80 columns and 24 rows, `false` no terminal.
  private static func size(_ argument: LuaArgument) throws -> TerminalSize? {
    if case .boolean(let isWanted) = argument.value {
      return isWanted ? try TerminalSize(columns: 80, rows: 24) : nil
    }
    let options = try argument.options(known: ["columns", "rows"])
    return try TerminalSize(
      columns: Int(try options["columns"]?.integer() ?? 80),
      rows: Int(try options["rows"]?.integer() ?? 24)
    )
  }

  private static func deadline(_ object: ProcessObject, _ call: LuaCall, _ index: Int) throws
    -> (Deadline, Duration)
  {
    let length =
      try call.optional(index, "timeout")?.duration()
      ?? object.context.configuration.settings.operationTimeout
    let limit = FairDeadline(
      length: length * object.machine.timeoutMultiplier,
      sample: object.context.scope.limits.sample
    )
    return (limit.deadline, length)
  }

  private static func write(_ object: ProcessObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let bytes = try call.bytes(1, "data")
    let (deadline, length) = try deadline(object, call, 2)
    guard try object.process.write(bytes, until: deadline) else {
      throw LuaAssertion(
        "'\(object.process.name)' did not read its \(bytes.count) bytes of input within \(Quantity.text(length))"
      )
    }
    return []
  }

  private static func close(_ object: ProcessObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    let (deadline, _) = try deadline(object, call, 1)
    _ = try object.process.write([], close: true, until: deadline)
    return []
  }

  private static func signal(_ object: ProcessObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let argument = call.argument(1, "signal")
    if argument.value.integer != nil {
      try object.process.signal(Int32(try argument.integer(in: 1...64)))
      return []
    }
    let name = try argument.string()
    guard let number = SignalName.number(name) ?? SignalName.number("SIG" + name) else {
      throw argument.expected("a signal: a number from 1 to 64, or a name such as \"TERM\"")
    }
    try object.process.signal(number)
    return []
  }

  private static func resize(_ object: ProcessObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let size = try TerminalSize(
      columns: Int(try call.integer(1, "columns")),
      rows: Int(try call.integer(2, "rows"))
    )
    try object.process.resize(to: size)
    return []
  }

  private static func wait(_ object: ProcessObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let (deadline, length) = try deadline(object, call, 1)
    guard let status = try object.process.wait(until: deadline) else {
      throw LuaAssertion("'\(object.process.name)' did not end within \(Quantity.text(length))")
    }
    let result = CommandResult(
      status: status,
      standardOutput: CommandOutput(object.process.output.take()),
      standardError: CommandOutput(object.process.errors.take())
    )
    return [ResultTables.command(result)]
  }

  private static func isRunning(_ object: ProcessObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    return [.boolean(try object.process.isRunning())]
  }

  private static func kill(_ object: ProcessObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try object.process.end()
    return []
  }

  private static func pid(_ object: ProcessObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    return [.integer(Int64(object.process.job.pid))]
  }
}
