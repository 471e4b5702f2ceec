import ProviumLua
import ProviumRuntime
import ProviumSystem

/// The serial console of a VM as a script holds it: what `vm:console()` returns.
final class ConsoleObject {
  unowned let context: ScriptContext
  let console: MachineConsole
  let reader: StreamReader
  let machine: Machine

  init(_ console: MachineConsole, _ context: ScriptContext, of machine: Machine) {
    self.console = console
    self.context = context
    self.machine = machine
    reader = StreamReader(
      name: "the console",
      context: context,
      machine: machine,
      buffer: console.buffer,
      refresh: { [console] in try console.follow() },
      fill: { [console] in try console.read(until: $0) }
    )
  }
}

/// The Lua type `console`.
enum ConsoleMethods {
  static func makeType() -> LuaObjectType<ConsoleObject> {
    LuaObjectType<ConsoleObject>(
      name: "console",
      methodList: Misuse.translated([
        ("read", { try $0.reader.read($1) }), ("read_until", { try $0.reader.readUntil($1) }),
        ("read_line", { try $0.reader.readLine($1) }), ("expect", { try $0.reader.expect($1) }),
        ("lines", { try StreamReader.lines(try $0.context.types.value($0), $1) }), ("write", write),
      ])
    )
  }

  private static func write(_ object: ConsoleObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let bytes = try call.bytes(1, "data")
    let limit = object.context.configuration.settings.operationTimeout * object.machine.timeoutMultiplier
    guard try object.console.write(bytes, until: .after(limit)) else {
      throw LuaAssertion(
        "the guest did not read \(bytes.count) bytes from its console within \(Quantity.text(limit))"
      )
    }
    return []
  }
}
