/// One entry of a disk's log, in the order in which the disk carried the requests out.
package struct LogEntry: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case write([UInt8])
    case zero
    case trim
    case flush
    /// A text of the test.
    case mark(String)
  }

  package var kind: Kind
  /// Bytes.
  package var offset: Int
  package var count: Int
  /// The change was durable when it was answered, whatever came before it.
  package var isDurable: Bool

  package init(_ kind: Kind, offset: Int = 0, count: Int = 0, isDurable: Bool = false) {
    self.kind = kind
    self.offset = offset
    self.count = count
    self.isDurable = isDurable
  }

  package static func write(_ bytes: [UInt8], at offset: Int, isDurable: Bool = false) -> LogEntry {
    LogEntry(.write(bytes), offset: offset, count: bytes.count, isDurable: isDurable)
  }

  package var changesContents: Bool {
    switch kind {
    case .write, .zero, .trim: true
    case .flush, .mark: false
    }
  }

  package var isFlush: Bool { kind == .flush }
  package var mark: String? { if case .mark(let text) = kind { text } else { nil } }
}
