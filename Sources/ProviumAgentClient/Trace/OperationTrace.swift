/// The last operations of a VM, by its main agent and its workers, oldest first, with marks between them.
package struct OperationTrace: Sendable {
  package static let capacity = 16
  /// One entry more than is shown, so that an operation that is withdrawn leaves no gap.
  private var entries: [(number: Int, record: OperationRecord)] = []
  /// Marks, each with the number of the operation after it.
  private var marks: [(number: Int, text: String)] = []
  private var next = 0

  package var records: [OperationRecord] { entries.suffix(Self.capacity).map(\.record) }

  /// The operations as text, with the marks that have operations before them.
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

  /// Adds a mark after the last operation. Of several marks at one place the last one stays.
  mutating func mark(_ text: String) {
    let oldest = entries.first?.number ?? next
    marks.removeAll { $0.number == next || $0.number <= oldest }
    marks.append((next, text))
  }

  /// Adds an operation. Returns its number, for `finish` and `withdraw`.
  mutating func begin(_ record: OperationRecord) -> Int {
    if entries.count > Self.capacity { entries.removeFirst() }
    entries.append((next, record))
    next += 1
    return next - 1
  }

  /// Completes an operation and returns it; nil if so many began after it that it was removed.
  @discardableResult
  mutating func finish(_ number: Int, _ outcome: OperationRecord.Outcome, _ duration: Duration)
    -> OperationRecord?
  {
    guard let index = entries.lastIndex(where: { $0.number == number }) else { return nil }
    entries[index].record.outcome = outcome
    entries[index].record.duration = duration
    return entries[index].record
  }

  /// Removes an operation that was refused before it reached the guest.
  mutating func withdraw(_ number: Int) { entries.removeAll { $0.number == number } }
}
