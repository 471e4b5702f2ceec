internal import CLinux
import Glibc

/// A flag that `poll(2)` can wait for (`eventfd(2)`): readable from `raise` to `lower`. Any thread may use
/// it.
package final class EventDescriptor: Sendable {
  package let raw: Int32

  package init() throws {
    raw = clinux_eventfd()
    guard raw >= 0 else { throw SystemError("make an event descriptor", "", Errno(-raw)) }
  }

  deinit { close(raw) }

  /// Idempotent.
  package func raise() {
    var one: UInt64 = 1
    _ = write(raw, &one, 8)
  }

  /// Returns whether it had been raised.
  @discardableResult
  package func lower() -> Bool {
    var count: UInt64 = 0
    return read(raw, &count, 8) == 8
  }
}
