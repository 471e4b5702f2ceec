/// One state in which a power cut may leave a disk: the changes of a log that are on it.
package struct CrashPoint: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// Only what was flushed, or durable by itself.
    case durable
    /// All changes up to one of them, in their order.
    case ordered
    /// Some unflushed changes are missing although later ones are there.
    case reordered
    /// The last change is there in part.
    case torn
  }

  package var kind: Kind
  /// The power was cut after that many entries of the log.
  package var length: Int
  /// The entries before it that are missing, ascending.
  package var missing: [Int] = []
  /// Bytes of the last entry that are there; nil: all.
  package var tornAt: Int?

  /// Smaller for states that are easier to understand: fewer entries, then fewer missing ones.
  package var weight: Int { length * 1000 + missing.count * 10 + (tornAt == nil ? 0 : 1) }

  /// The changes of the log that are on the disk.
  package func changes(of log: [LogEntry]) -> [LogEntry] {
    let missing = Set(missing)
    return log[..<length].enumerated().compactMap { index, entry in
      guard entry.changesContents, !missing.contains(index) else { return nil }
      if let tornAt, index == length - 1 { return entry.prefix(tornAt) }
      return entry
    }
  }

  /// The texts of the marks before the cut.
  package func marks(of log: [LogEntry]) -> [String] { log[..<length].compactMap(\.mark) }

  /// `after 41 requests, without 2 of them`
  package var description: String {
    let lost = missing.isEmpty ? "" : ", \(missing.count) unflushed lost"
    let torn = tornAt.map { ", the last one cut after \($0) bytes" } ?? ""
    return "after \(length) requests\(lost)\(torn)"
  }
}
