import ProviumLua
import ProviumRuntime

/// A guest file that is followed, as a script holds it: what `vm:tail` returns.
final class TailObject {
  unowned let context: ScriptContext
  let reader: StreamReader

  init(_ tail: FileTail, _ context: ScriptContext) {
    self.context = context
    reader = StreamReader(
      name: "\(tail.path)",
      context: context,
      machine: tail.machine,
      buffer: tail.buffer,
      refresh: {},
      fill: { try tail.read(until: $0) }
    )
  }
}

/// The Lua type `tail`.
enum TailMethods {
  static func makeType() -> LuaObjectType<TailObject> {
    LuaObjectType<TailObject>(
      name: "tail",
      methodList: Misuse.translated([
        ("read", { try $0.reader.read($1) }), ("read_until", { try $0.reader.readUntil($1) }),
        ("read_line", { try $0.reader.readLine($1) }), ("expect", { try $0.reader.expect($1) }),
        ("lines", { try StreamReader.lines(try $0.context.types.value($0), $1) }),
      ])
    )
  }
}
