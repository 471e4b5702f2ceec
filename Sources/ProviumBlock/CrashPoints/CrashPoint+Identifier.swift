/// The identifier of a crash point in a log: `41`, `41-3,5..9` without the entries 3 and 5 to 9, `17t512` with 512 bytes of the last
/// entry. A workload that makes the same requests again has the same state at the same identifier.
extension CrashPoint {
  package var identifier: String {
    var runs: [ClosedRange<Int>] = []
    for entry in missing {
      if let last = runs.last, last.upperBound + 1 == entry {
        runs[runs.count - 1] = last.lowerBound...entry
      } else {
        runs.append(entry...entry)
      }
    }
    let list = runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)..\($0.upperBound)" }
    let torn = tornAt.map { "t\($0)" } ?? ""
    return "\(length)\(torn)\(list.isEmpty ? "" : "-" + list.joined(separator: ","))"
  }

  /// The most entries that an identifier may name.
  private static let mostEntries = 1 << 20

  /// Reads an identifier; nil for any other text.
  package init?(identifier text: String) {
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let head = parts[0].split(separator: "t", maxSplits: 1, omittingEmptySubsequences: false)
    guard let length = Self.number(head[0]) else { return nil }
    self.init(kind: .ordered, length: length)
    if head.count == 2 {
      guard let bytes = Self.number(head[1]), bytes > 0, parts.count == 1 else { return nil }
      (kind, tornAt) = (.torn, bytes)
    }
    guard parts.count == 2 else { return }
    kind = .reordered
    for item in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
      let ends = item.split(separator: ".", omittingEmptySubsequences: false)
      guard let first = Self.number(ends[0]), let last = ends.count == 3 ? Self.number(ends[2]) : first,
        ends.count == 1 || (ends.count == 3 && ends[1].isEmpty), first <= last, last < length,
        missing.last ?? -1 < first
      else { return nil }
      missing += first...last
    }
  }

  private static func number(_ text: Substring) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
      let number = Int(text), number <= mostEntries
    else { return nil }
    return number
  }

  /// Whether a log has such a state: the entries that are missing are changes that a power cut can lose.
  package func fits(_ log: [LogEntry]) -> Bool {
    guard length <= log.count else { return false }
    let begin = log[..<length].lastIndex(where: \.isFlush) ?? -1
    let canBeLost = missing.allSatisfy { $0 > begin && log[$0].changesContents && !log[$0].isDurable }
    guard let tornAt else { return canBeLost }
    guard length > 0, case .write = log[length - 1].kind else { return false }
    return canBeLost && tornAt < log[length - 1].count
  }

  /// Crash points with fewer missing entries, to find the least loss that makes a check fail: without one half of them, then without
  /// each single one.
  package var reductions: [CrashPoint] {
    guard missing.count > 1 else { return [] }
    let half = missing.count / 2
    var lists = [Array(missing[..<half]), Array(missing[half...])]
    if missing.count > 2 {
      lists += missing.indices.map { index in Array(missing[..<index] + missing[(index + 1)...]) }
    }
    return lists.map { list in
      var point = self
      point.kind = .reordered
      point.missing = list
      return point
    }
  }
}
