import Synchronization

/// The last operations on a machine, of its main agent and its workers, oldest first; and marks between them.
package struct OperationTrace: Sendable {
  package static let capacity = 16
  /// One more than is shown: an operation that is withdrawn leaves no gap.
  private var entries: [(number: Int, record: OperationRecord)] = []
  /// What began before the operation of that number.
  private var marks: [(number: Int, text: String)] = []
  private var next = 0

  package var records: [OperationRecord] { entries.suffix(Self.capacity).map(\.record) }

  /// The operations, with those marks that have operations before them.
  package var lines: [String] {
    let shown = entries.suffix(Self.capacity)
    guard let first = shown.first else { return [] }
    var marks = self.marks.filter { $0.number > first.number }[...]
    var lines: [String] = []
    for entry in shown {
      while let mark = marks.first, mark.number <= entry.number { lines.append(marks.removeFirst().text) }
      lines.append(entry.record.description)
    }
    return lines + marks.map(\.text)
  }

  /// Of several marks at one place the last one stays.
  mutating func mark(_ text: String) {
    let oldest = entries.first?.number ?? next
    marks.removeAll { $0.number == next || $0.number <= oldest }
    marks.append((next, text))
  }

  /// Returns the number by which `finish` finds it.
  mutating func begin(_ record: OperationRecord) -> Int {
    if entries.count > Self.capacity { entries.removeFirst() }
    entries.append((next, record))
    next += 1
    return next - 1
  }

  mutating func finish(_ number: Int, _ outcome: OperationRecord.Outcome, _ duration: Duration) {
    guard let index = entries.lastIndex(where: { $0.number == number }) else { return }
    entries[index].record.outcome = outcome
    entries[index].record.duration = duration
  }

  /// It was refused before it reached the guest.
  mutating func withdraw(_ number: Int) { entries.removeAll { $0.number == number } }
}

/// The trace that all sessions of one machine write to. Any thread.
package final class OperationLog: Sendable {
  private let trace = Mutex(OperationTrace())

  package init() {}

  package var records: [OperationRecord] { trace.withLock { $0.records } }
  package var lines: [String] { trace.withLock { $0.lines } }

  /// Says between the operations what begins here.
  package func mark(_ text: String) { trace.withLock { $0.mark(text) } }

  /// The operations so far were nobody's: they warmed a machine that a test gets now.
  package func forget() { trace.withLock { $0 = OperationTrace() } }

  /// Goes on from where `earlier` stands: the same machine, resumed. What brought it there is nobody's operation.
  package func `continue`(_ earlier: OperationLog) {
    let before = earlier.trace.withLock { $0 }
    trace.withLock { $0 = before }
  }

  func begin(_ record: OperationRecord) -> Int { trace.withLock { $0.begin(record) } }
  func finish(_ number: Int, _ outcome: OperationRecord.Outcome, _ duration: Duration) {
    trace.withLock { $0.finish(number, outcome, duration) }
  }
  func withdraw(_ number: Int) { trace.withLock { $0.withdraw(number) } }
}
