import Synchronization

/// Finds reports in the lines of one kernel as they come, and keeps those that are not acknowledged. A report ends with its
/// own last line, with the next report, or with a silence. The consequences of a fault (`Oops:`, the panic that follows)
/// belong to its report.
///
/// Memory is bounded whatever a guest prints. Reports that do not fit are counted, since the result of a scan that could
/// not keep everything must not look clean.
package struct KernelReportScanner: Sendable {
  /// Not acknowledged, oldest first. The last one may still grow.
  package private(set) var reports: [KernelReport] = []
  /// The number of reports that were not kept and not acknowledged.
  package private(set) var lost = 0
  /// The last panic: the report that it belongs to, and its line without the time stamp.
  private(set) var panic: (report: KernelReport.ID, line: String)?

  /// The report that was begun last. Lines may belong to it while it is open.
  private struct Latest {
    let id: KernelReport.ID
    let kind: KernelReport.Kind
    /// Begun by a fault: its `Oops:` will follow.
    var awaitsDeath: Bool
    var hasDied: Bool
    /// Its kernel prints time stamps: a line without one is a program's.
    let isStamped: Bool
    var isOpen = true
    var count: Int
    var bytes = 0
    var lastLine: UInt64
  }
  private var latest: Latest?
  /// Lines that will belong to a report if one begins now: `cut here`, a rule, and what a WARN prints before its banner.
  private var prelude: [String] = []
  private var isInBrokenHungTask = false
  private let number: Int
  private var next = 1

  private static let scanners = Atomic(0)
  private static let keptReports = 256
  /// Of one report.
  private static let keptLines = 200
  private static let keptBytes = 16 << 10
  private static let preludeLines = 4
  /// Nanoseconds without a line after which a report has ended. A kernel prints a report at once, but slowly if its host is
  /// overloaded.
  private static let silence: UInt64 = 10_000_000_000

  package init() { number = Self.scanners.add(1, ordering: .relaxed).newValue }

  /// Takes the next line.
  /// - Parameters:
  ///   - time: nanoseconds of a clock that starts anywhere: when the line was printed.
  ///   - isProgram: a program wrote it into the kernel log.
  package mutating func take(_ line: String, at time: UInt64, isProgram: Bool = false) {
    if let last = latest, last.isOpen, time > last.lastLine + Self.silence { latest?.isOpen = false }
    var text = KernelStamp.textAfter(line)
    let isStamped = text.utf8.count < line.utf8.count
    var meaning = KernelReportRules.line(text, isProgram: isProgram)
    // Two processors may print on one line of an old kernel's console.
    if meaning == .other, isStamped, !isProgram, let second = KernelStamp.split(text) {
      meaning = KernelReportRules.line(second.text)
      text = second.text
    }
    let kernel = Line(line: line, title: String(text), isStamped: isStamped, time: time)
    if isInBrokenHungTask, meaning == .restOfHungTask { meaning = .mark(.hungTask) }
    isInBrokenHungTask = meaning == .brokenHungTask
    take(meaning, kernel)
  }

  private struct Line {
    let line: String
    let title: String
    let isStamped: Bool
    let time: UInt64
  }

  private mutating func take(_ meaning: KernelLine, _ line: Line) {
    switch meaning {
    case .mark(let kind): begin(kind, line)
    case .fault(let kind): begin(kind, line, awaitsDeath: true)
    case .die: die(line)
    case .panic(let reason): notePanic(reason, line)
    case .part(let kind):
      if latest?.isOpen == true { grow(line) } else { begin(kind, line) }
    case .failedKUnit:
      if let last = latest, last.isOpen, last.kind == .kunit { grow(line) } else { begin(.kunit, line) }
      latest?.isOpen = false
    case .end:
      grow(line)
      latest?.isOpen = false
    case .endOfTrace:
      grow(line)
      if let last = latest, !last.awaitsDeath, !last.hasDied, !Self.hasEndOfItsOwn(last.kind) {
        latest?.isOpen = false
      }
    case .rule:
      if let last = latest, last.isOpen, last.kind == .kasan || last.kind == .ubsan || last.kind == .bug {
        grow(line)
        latest?.isOpen = false
      } else {
        prelude = [line.line]
      }
    case .cutHere, .brokenHungTask:
      latest?.isOpen = false
      prelude = [line.line]
    case .other, .restOfHungTask:
      if let last = latest, line.isStamped || !last.isStamped { grow(line) }
      if !prelude.isEmpty {
        prelude.append(line.line)
        if prelude.count > Self.preludeLines { prelude.removeAll() }
      }
    }
  }

  private mutating func die(_ line: Line) {
    if let last = latest, last.isOpen, last.awaitsDeath {
      latest?.awaitsDeath = false
      latest?.hasDied = true
      grow(line)
    } else {
      begin(.oops, line, hasDied: true)
    }
  }

  private mutating func notePanic(_ reason: Substring, _ line: Line) {
    if isConsequence(reason, at: line.time) {
      latest?.isOpen = true
      grow(line)
    } else {
      begin(.panic, line)
    }
    if let id = latest?.id { panic = (id, line.title) }
  }

  private mutating func begin(
    _ kind: KernelReport.Kind,
    _ line: Line,
    awaitsDeath: Bool = false,
    hasDied: Bool = false
  ) {
    let lines = prelude + [line.line]
    prelude.removeAll()
    let id = KernelReport.ID(scanner: number, number: next)
    next += 1
    latest = Latest(
      id: id,
      kind: kind,
      awaitsDeath: awaitsDeath,
      hasDied: hasDied,
      isStamped: line.isStamped,
      count: lines.count,
      lastLine: line.time
    )
    if reports.count < Self.keptReports {
      reports.append(KernelReport(id: id, kind: kind, title: line.title, lines: lines))
    } else {
      lost += 1
    }
  }

  private mutating func grow(_ line: Line) {
    guard var last = latest, last.isOpen else { return }
    last.lastLine = line.time
    last.count += 1
    last.bytes += line.line.utf8.count
    if last.count >= Self.keptLines || last.bytes >= Self.keptBytes { last.isOpen = false }
    latest = last
    if let index = reports.indices.last, reports[index].id == last.id {
      reports[index].lines.append(line.line)
    }
  }

  /// Whether a panic is the consequence of the latest report.
  private func isConsequence(_ reason: Substring, at time: UInt64) -> Bool {
    guard let latest, latest.kind != .panic, time <= latest.lastLine + Self.silence else { return false }
    let ofDeath = ["Fatal exception", "Attempted to kill", "Aiee, killing interrupt handler"]
    if latest.hasDied, ofDeath.contains(where: { reason.hasPrefix($0) }) { return true }
    switch latest.kind {
    case .hungTask: return reason.hasPrefix("hung_task")
    case .lockup: return reason.hasPrefix("softlockup") || reason.hasPrefix("Hard LOCKUP")
    case .rcuStall: return reason.hasPrefix("RCU Stall")
    case .oops where reason.hasPrefix("Machine halted"): return true
    case .bug where reason.hasPrefix("scheduling while atomic"): return true
    default: return reason.contains("panic_on_warn set") || reason.contains("fault=panic set")
    }
  }

  /// Whether more follows the trace in reports of that kind, as in the report of a fault, up to a line that marks the end.
  private static func hasEndOfItsOwn(_ kind: KernelReport.Kind) -> Bool {
    switch kind {
    case .panic, .oops, .kasan, .ubsan, .warning: true
    case .bug, .lockdep, .rcuStall, .hungTask, .lockup, .leak, .kunit: false
    }
  }

  /// Begins a report of a panic whose line was not seen, and ends it.
  mutating func noteUnseenPanic(_ title: String, at time: UInt64) -> (report: KernelReport.ID, line: String) {
    begin(.panic, Line(line: title, title: title, isStamped: false, time: time))
    latest?.isOpen = false
    let noted = (KernelReport.ID(scanner: number, number: next - 1), title)
    panic = noted
    return noted
  }

  /// Drops these reports, and the lines that they will still grow by.
  /// - Parameter lost: is subtracted from the number of reports that were not kept.
  package mutating func acknowledge(_ ids: Set<KernelReport.ID>, lost: Int = 0) {
    reports.removeAll { ids.contains($0.id) }
    self.lost -= lost
  }
}
