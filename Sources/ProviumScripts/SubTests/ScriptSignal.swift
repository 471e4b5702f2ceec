import ProviumLua

/// The early end of a sub-test or file without a failure. Raised through Lua as an object, never as a string.
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
