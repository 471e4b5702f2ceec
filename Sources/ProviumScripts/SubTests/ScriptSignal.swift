import ProviumLua

/// What ends a sub-test or a file without failing it. Raised through Lua as an object: no message can be mistaken for it.
enum ScriptSignal: LuaSignal {
  case todo(reason: String)
  case skip(reason: String)

  var description: String {
    switch self {
    case .todo(let reason): reason.isEmpty ? "todo" : "todo: \(reason)"
    case .skip(let reason): reason.isEmpty ? "skipped" : "skipped: \(reason)"
    }
  }
}
