import Synchronization

/// The trace to which all connections of one VM write. Thread-safe.
package final class OperationLog: Sendable {
  package typealias Observer = @Sendable (OperationRecord) -> Void
  private let trace = Mutex(OperationTrace())
  private let observer = Mutex<Observer?>(nil)

  package init() {}

  /// Calls `observer` with each operation that ends from now on, on the thread of the operation.
  package func observe(_ observer: @escaping Observer) { self.observer.withLock { $0 = observer } }

  package var records: [OperationRecord] { trace.withLock { $0.records } }
  package var lines: [String] { trace.withLock { $0.lines } }

  /// Adds a mark between the operations: `text` begins here.
  package func mark(_ text: String) { trace.withLock { $0.mark(text) } }

  /// Removes all operations. They prepared a warm VM and do not belong to the test that gets it.
  package func forget() { trace.withLock { $0 = OperationTrace() } }

  /// Replaces this trace by the one of `earlier`, of the same VM before it was resumed. The operations of the
  /// resume itself are dropped.
  package func `continue`(_ earlier: OperationLog) {
    let before = earlier.trace.withLock { $0 }
    trace.withLock { $0 = before }
  }

  func begin(_ record: OperationRecord) -> Int { trace.withLock { $0.begin(record) } }
  func finish(_ number: Int, _ outcome: OperationRecord.Outcome, _ duration: Duration) {
    let record = trace.withLock { $0.finish(number, outcome, duration) }
    if let record, let observer = observer.withLock({ $0 }) { observer(record) }
  }
  func withdraw(_ number: Int) { trace.withLock { $0.withdraw(number) } }
}
