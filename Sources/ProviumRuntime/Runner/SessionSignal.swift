package import ProviumEvents
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
  /// `.harness`; `.timeout` of an operation that ran into a limit, `.splat` where the guest's kernel itself ended it.
  package let kind: FailureKind

  package init(_ description: String, kind: FailureKind = .harness) {
    self.description = description
    self.kind = kind
  }
}
