import Synchronization

/// A value that one thread produces and another one waits for.
package final class Handover<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let semaphore: Semaphore = Semaphore()

  package init() {}

  /// Sets the value. Only one call is allowed.
  package func fulfil(_ value: Value) {
    self.value.withLock { $0 = value }
    semaphore.signal()
  }

  /// Blocks until the value is there. Only one call is allowed.
  package func wait() -> Value {
    while true {
      semaphore.wait()
      if let value = value.withLock({ $0 }) { return value }
    }
  }
}
