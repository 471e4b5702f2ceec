internal import CLuaBridge
import Synchronization

/// Ends the scripts of a state from any thread: the running one at its next look at the flag (a thousand
/// instructions at most), and every later one, until it is cleared.
package final class LuaInterrupt: Sendable {
  // Not sendable by type, yet all it holds is one atomic flag, made and freed with this object.
  nonisolated(unsafe) let flag: OpaquePointer?
  private let why = Mutex<String?>(nil)

  package init() { flag = clb_interrupt_create() }
  deinit { clb_interrupt_destroy(flag) }

  /// The first reason given stays.
  package func raise(_ reason: String) {
    why.withLock { $0 = $0 ?? reason }
    clb_interrupt_set(flag, true)
  }

  package func clear() {
    clb_interrupt_set(flag, false)
    why.withLock { $0 = nil }
  }

  /// Why scripts are being ended; nil while they are not.
  package var reason: String? { why.withLock { $0 } }
}
