import ProviumLua

/// What ends a sub-test or a file without failing it. Raised through Lua; no message can be mistaken for it.
enum SessionSignal: LuaSignal {
  case todo(reason: String)
  case skip(reason: String)

  var description: String {
    switch self {
    case .todo(let reason): reason.isEmpty ? "todo" : "todo: \(reason)"
    case .skip(let reason): reason.isEmpty ? "skipped" : "skipped: \(reason)"
    }
  }
}

/// A fault of the machine, the guest or Provium, on its way through Lua: what was being done, and why it failed.
package struct HarnessFault: Error, CustomStringConvertible {
  /// One line or more, for people.
  package let description: String
  /// The operation ran into its limit.
  package let isTimeout: Bool

  package init(_ description: String, isTimeout: Bool = false) {
    self.description = description
    self.isTimeout = isTimeout
  }
}
