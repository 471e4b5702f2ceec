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
    guard hasRoom(added) else { return }
    entries.append(entry)
  }

  /// Adds a change.
  /// - Parameter payload: the bytes of a write.
  mutating func append(_ request: DiskRequest, _ payload: UnsafeRawBufferPointer) {
    guard hasRoom(payload.count) else { return }
    let kind: LogEntry.Kind =
      switch request.operation {
      case .write: .write(Array(payload))
      case .zero: .zero
      case .trim: .trim
      case .read, .flush: .flush
      }
    entries.append(
      LogEntry(kind, offset: request.offset, count: request.count, isDurable: request.isDurable)
    )
  }

  private mutating func hasRoom(_ added: Int) -> Bool {
    guard !isCut, size + added <= limit, entries.count < max(1, limit / 64) else {
      isCut = true
      return false
    }
    size += added
    return true
  }
}
