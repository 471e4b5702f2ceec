internal import CLuaBridge
import Synchronization

/// A flag that ends the scripts of a state, from any thread: the running script within a thousand
/// instructions, and every later one until the flag is cleared.
package final class LuaInterrupt: Sendable {
  // An opaque pointer is not Sendable. This one is to a single atomic flag, created and freed with this
  // object.
  nonisolated(unsafe) let flag: OpaquePointer?
  private let why = Mutex<String?>(nil)
  /// The programs that the script started on the host.
  package let programs = HostPrograms()
  private let inScript = Atomic(false)

  package init() { flag = clb_interrupt_create() }
  deinit { clb_interrupt_destroy(flag) }

  /// Raises the flag. Idempotent: the first reason stays.
  package func raise(_ reason: String) {
    why.withLock { $0 = $0 ?? reason }
    clb_interrupt_set(flag, true)
    programs.endRunning()
  }

  package func clear() {
    clb_interrupt_set(flag, false)
    why.withLock { $0 = nil }
  }

  /// Whether the state's thread runs Lua or a function of its library, where it can be stuck: a string
  /// pattern can backtrack exponentially. False in a function of ours, which has its own deadline.
  /// Thread-safe.
  package var isInScript: Bool { inScript.load(ordering: .relaxed) }

  /// Runs a function of a C library, which cannot be ended before it returns. `isInScript` is true while it
  /// runs.
  package func inLibrary<Result>(_ body: () throws -> Result) rethrows -> Result {
    try setting(isInScript: true, body)
  }

  /// Sets `isInScript` while `body` runs.
  func setting<Result>(isInScript: Bool, _ body: () throws -> Result) rethrows -> Result {
    let before = inScript.exchange(isInScript, ordering: .relaxed)
    defer { inScript.store(before, ordering: .relaxed) }
    return try body()
  }

  /// The reason of the interrupt; nil if the flag is not raised.
  package var reason: String? { why.withLock { $0 } }
}
