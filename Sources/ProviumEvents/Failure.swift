package import ProviumJSON

/// The failure of one test, with everything that explains it.
package struct Failure: Sendable, Codable, Hashable {
  package var kind: FailureKind
  /// One or more lines, without the location in front.
  package var message: String
  package var location: ScriptLocation?
  /// The script's own frames, innermost first, one each.
  @EmptyWhenAbsent package var traceback: [String] = []
  /// The last operations on the VM, in the style of strace.
  @EmptyWhenAbsent package var trace: [String] = []
  /// The last lines of the VM's console.
  @EmptyWhenAbsent package var console: [String] = []
  /// The facts that were gathered from the VMs; nil: none.
  package var facts: [FailureFacts]?
  /// The VMs that were kept; nil: none.
  package var kept: [KeptVM]?

  package init(kind: FailureKind, message: String, location: ScriptLocation? = nil) {
    self.kind = kind
    self.message = message
    self.location = location
  }

  /// One line for each VM that was kept: `vm1 (default)  provium open 1a2b3c4d`.
  package var keptLines: [String] { (kept ?? []).map { "\($0.machine)  provium open \($0.id)" } }

  /// `tests/token.lua:14: expected "0", got "-13"`.
  package var summary: String { location.map { "\($0): \(message)" } ?? message }

  /// Writes every member, but `facts` and `kept` only where there are some.
  package func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(kind, forKey: .kind)
    try members.encode(message, forKey: .message)
    try members.encode(location, forKey: .location)
    try members.encode(traceback, forKey: .traceback)
    try members.encode(trace, forKey: .trace)
    try members.encode(console, forKey: .console)
    if let facts { try members.encode(facts, forKey: .facts) }
    if let kept { try members.encode(kept, forKey: .kept) }
  }
}
