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
  /// Why, in one line or more, for people.
  package let reason: String
  /// `.infrastructure`; `.timeout` of an operation that ran into a limit, `.kernelReport` where the guest's kernel itself ended it.
  package let kind: FailureKind
  /// The last lines of the console of a machine that was lost.
  let console: [String]
  static let consoleLines = 10

  package init(_ reason: String, kind: FailureKind = .infrastructure, console: [String] = []) {
    self.reason = reason
    self.kind = kind
    self.console = console
  }

  package var description: String { reason + consoleText }

  /// Behind the reason; empty without a console.
  var consoleText: String {
    console.isEmpty ? "" : "\nthe console's last lines:" + console.map { "\n  \($0)" }.joined()
  }
}
