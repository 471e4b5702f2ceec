/// A report that a kernel printed because something is wrong with it.
package struct KernelReport: Sendable, Hashable {
  package enum Kind: String, Sendable, CaseIterable {
    case panic, oops, bug, kasan, ubsan, lockdep, rcuStall, hungTask, lockup, warning
  }
  package let kind: Kind
  /// The line that says what it is, without its time stamp.
  package let title: String
  /// The report, as far as it was printed.
  package let lines: [String]
}

/// Finds reports in console lines. Pure; fed as lines come.
package struct KernelReportScanner: Sendable {
  package init() {}

  /// Lines kept of one report.
  private static let length = 60

  /// What a report's first telling line contains, most specific first.
  private static let marks: [(String, KernelReport.Kind)] = [
    ("Kernel panic - not syncing", .panic), ("BUG: KASAN:", .kasan), ("BUG: KFENCE:", .kasan),
    ("BUG: KMSAN:", .kasan),
    ("UBSAN: ", .ubsan), ("possible circular locking dependency", .lockdep),
    ("possible recursive locking", .lockdep), ("inconsistent lock state", .lockdep),
    ("possible irq lock inversion", .lockdep), ("suspicious RCU usage", .lockdep),
    ("bad unlock balance", .lockdep),
    ("held lock freed", .lockdep), ("INFO: rcu_", .rcuStall), ("rcu: INFO:", .rcuStall),
    ("blocked for more than", .hungTask), ("soft lockup", .lockup), ("hard LOCKUP", .lockup),
    ("general protection fault", .oops), ("Internal error: Oops", .oops), ("Oops: ", .oops),
    ("kernel BUG at", .bug),
    ("BUG: ", .bug), ("WARNING: CPU", .warning), ("WARNING: at ", .warning), ("WARNING: possible", .lockdep),
  ]

  package func scan(_ lines: [String]) -> [KernelReport] {
    var reports: [KernelReport] = []
    var index = 0
    while index < lines.count {
      let text = Self.withoutStamp(lines[index])
      if let mark = Self.marks.first(where: { text.contains($0.0) }), !text.hasPrefix("Command line") {
        let end = Self.end(of: lines, from: index)
        let first = index > 0 && lines[index - 1].contains("cut here") ? index - 1 : index
        reports.append(KernelReport(kind: mark.1, title: text, lines: Array(lines[first..<end])))
        index = end
      } else {
        index += 1
      }
    }
    return reports
  }

  /// A report ends with its trace, or where lines no longer belong to the kernel.
  private static func end(of lines: [String], from start: Int) -> Int {
    var index = start + 1
    while index < lines.count, index - start < length {
      let text = lines[index]
      if text.contains("---[ end") || text.contains("</TASK>") { return index + 1 }
      if text.contains("cut here") { return index }
      index += 1
    }
    return index
  }

  /// `[   12.345678] text` → `text`.
  static func withoutStamp(_ line: String) -> String {
    guard line.hasPrefix("["), let close = line.firstIndex(of: "]") else { return line }
    let stamp = line[line.index(after: line.startIndex)..<close]
    guard stamp.contains("."),
      stamp.allSatisfy({ $0.isNumber || $0 == "." || $0 == " " || $0 == "T" || $0 == "C" })
    else {
      return line
    }
    return String(line[line.index(after: close)...]).drop { $0 == " " }.description
  }
}
