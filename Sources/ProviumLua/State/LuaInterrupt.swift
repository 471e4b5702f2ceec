internal import CLuaBridge
import Synchronization

/// Ends the scripts of a state from any thread: the running one at its next look at the flag (a thousand
/// instructions at most), and every later one, until it is cleared.
package final class LuaInterrupt: Sendable {
  // Not sendable by type, yet all it holds is one atomic flag, made and freed with this object.
  nonisolated(unsafe) let flag: OpaquePointer?
  private let why = Mutex<String?>(nil)
  /// What the script started on the host, and may be waiting for.
  package let programs = HostPrograms()
  private let inScript = Atomic(false)

  package init() { flag = clb_interrupt_create() }
  deinit { clb_interrupt_destroy(flag) }

  /// The first reason given stays.
  package func raise(_ reason: String) {
    why.withLock { $0 = $0 ?? reason }
    clb_interrupt_set(flag, true)
    programs.endRunning()
  }

  package func clear() {
    clb_interrupt_set(flag, false)
    why.withLock { $0 = nil }
  }

  /// Whether the state's thread is in Lua or a function of its library, where it may be stuck (a string pattern can take for
  /// ever); false while it is in a function of ours, which has its own deadline. Any thread may ask.
  package var isInScript: Bool { inScript.load(ordering: .relaxed) }

  /// What `isInScript` is while `body` runs.
  func setting<Result>(isInScript: Bool, _ body: () throws -> Result) rethrows -> Result {
    let before = inScript.exchange(isInScript, ordering: .relaxed)
    defer { inScript.store(before, ordering: .relaxed) }
    return try body()
  }

  /// Why scripts are being ended; nil while they are not.
  package var reason: String? { why.withLock { $0 } }
}
