/// A disk's log, bounded. A value.
package struct WriteLog: Sendable {
  package private(set) var entries: [LogEntry] = []
  /// The bytes of all writes in it.
  package private(set) var size = 0
  /// The most bytes of writes, and with it the most entries: one for each 64 bytes.
  package let limit: Int
  /// The limit was reached: later entries are missing.
  package private(set) var isCut = false

  package init(limit: Int) { self.limit = limit }

  /// Adds an entry. Once the limit was reached, none is added any more.
  package mutating func append(_ entry: LogEntry) {
    let added = if case .write(let bytes) = entry.kind { bytes.count } else { 0 }
    guard !isCut, size + added <= limit, entries.count < max(1, limit / 64) else {
      isCut = true
      return
    }
    size += added
    entries.append(entry)
  }

  /// Notes that entries are missing.
  mutating func markCut() { isCut = true }

  package mutating func removeAll() {
    entries.removeAll(keepingCapacity: true)
    size = 0
    isCut = false
  }
}
