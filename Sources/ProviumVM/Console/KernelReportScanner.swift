/// Finds reports in console lines as they come, and keeps those that nobody has answered for. A report goes on until its
/// own end, the next report, or a silence; what a fault comes to (`Oops:`, the panic that follows) belongs to it.
///
/// Memory is bounded whatever a guest prints; reports that found no place any more are counted, since a scan that could
/// not keep what it saw must not look like a clean one.
package struct KernelReportScanner: Sendable {
  /// Not answered, oldest first. The last one may still grow.
  package private(set) var reports: [KernelReport] = []
  /// Reports that were not kept since `answer` was last told of everything.
  package private(set) var lost = 0

  /// The report that was begun last, while lines may belong to it.
  private struct Latest {
    let number: Int
    let kind: KernelReport.Kind
    /// Begun by a fault, whose `Oops:` is to come.
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
  /// Lines that will belong to a report if one begins now: `cut here`, a rule, and what a WARN says before its banner.
  private var prelude: [String] = []
  private var next = 1

  private static let keptReports = 256
  /// Of one report.
  private static let keptLines = 200
  private static let keptBytes = 16 << 10
  private static let preludeLines = 4
  /// Nanoseconds without a line after which a report is over. A kernel prints one in one go, but an overloaded host may halt it.
  private static let silence: UInt64 = 10_000_000_000

  package init() {}

  /// Takes the next line.
  /// - Parameter time: of its arrival, in nanoseconds of the monotonic clock.
  package mutating func take(_ line: String, at time: UInt64) {
    if let last = latest, last.isOpen, time > last.lastLine + Self.silence { latest?.isOpen = false }
    let text = KernelLine.withoutStamp(line)
    let isStamped = text.utf8.count < line.utf8.count
    switch KernelLine(text) {
    case .mark(let kind): begin(kind, line, at: time)
    case .fault(let kind): begin(kind, line, awaitsDeath: true, at: time)
    case .die:
      if let last = latest, last.isOpen, last.awaitsDeath {
        latest?.awaitsDeath = false
        latest?.hasDied = true
        grow(line, at: time)
      } else {
        begin(.oops, line, hasDied: true, at: time)
      }
    case .panic(let reason):
      if isConsequence(reason, at: time) {
        latest?.isOpen = true
        grow(line, at: time)
      } else {
        begin(.panic, line, at: time)
      }
    case .end:
      grow(line, at: time)
      latest?.isOpen = false
    case .endOfTrace:
      grow(line, at: time)
      if let last = latest, !last.awaitsDeath, !last.hasDied, !Self.hasEndOfItsOwn(last.kind) {
        latest?.isOpen = false
      }
    case .rule:
      if let last = latest, last.isOpen, last.kind == .kasan || last.kind == .ubsan || last.kind == .bug {
        grow(line, at: time)
        latest?.isOpen = false
      } else {
        prelude = [line]
      }
    case .cutHere:
      latest?.isOpen = false
      prelude = [line]
    case .other:
      if let last = latest, isStamped || !last.isStamped { grow(line, at: time) }
      if !prelude.isEmpty {
        prelude.append(line)
        if prelude.count > Self.preludeLines { prelude.removeAll() }
      }
    }
  }

  private mutating func begin(
    _ kind: KernelReport.Kind,
    _ line: String,
    awaitsDeath: Bool = false,
    hasDied: Bool = false,
    at time: UInt64
  ) {
    let title = KernelLine.withoutStamp(line)
    let lines = prelude + [line]
    prelude.removeAll()
    latest = Latest(
      number: next,
      kind: kind,
      awaitsDeath: awaitsDeath,
      hasDied: hasDied,
      isStamped: title.utf8.count < line.utf8.count,
      count: lines.count,
      lastLine: time
    )
    if reports.count < Self.keptReports {
      reports.append(
        KernelReport(number: next, kind: kind, title: title, lines: lines)
      )
    } else {
      lost += 1
    }
    next += 1
  }

  private mutating func grow(_ line: String, at time: UInt64) {
    guard var last = latest, last.isOpen else { return }
    last.lastLine = time
    last.count += 1
    last.bytes += line.utf8.count
    if last.count >= Self.keptLines || last.bytes >= Self.keptBytes { last.isOpen = false }
    latest = last
    if let index = reports.indices.last, reports[index].number == last.number {
      reports[index].lines.append(line)
    }
  }

  /// Whether a panic is what the latest report came to, and not a matter of its own.
  private func isConsequence(_ reason: Substring, at time: UInt64) -> Bool {
    guard let latest, latest.kind != .panic, time <= latest.lastLine + Self.silence else { return false }
    let ofDeath = ["Fatal exception", "Attempted to kill", "Aiee, killing interrupt handler"]
    if latest.hasDied, ofDeath.contains(where: { reason.hasPrefix($0) }) { return true }
    switch latest.kind {
    case .hungTask: return reason.hasPrefix("hung_task")
    case .lockup: return reason.hasPrefix("softlockup") || reason.hasPrefix("Hard LOCKUP")
    case .rcuStall: return reason.hasPrefix("RCU Stall")
    default: return reason.contains("panic_on_warn set") || reason.contains("fault=panic set")
    }
  }

  /// Something follows the trace in these, as it does in the report of a fault, up to a line that says it is the end.
  private static func hasEndOfItsOwn(_ kind: KernelReport.Kind) -> Bool {
    switch kind {
    case .panic, .oops, .kasan, .ubsan, .warning: true
    case .bug, .lockdep, .rcuStall, .hungTask, .lockup, .leak: false
    }
  }

  /// Somebody answers for these: they are no longer kept, and what they still print is nobody else's.
  package mutating func answer(_ numbers: Set<Int>) { reports.removeAll { numbers.contains($0.number) } }

  /// Answers for all, those that were not kept included.
  package mutating func answerAll() {
    reports.removeAll()
    lost = 0
  }
}
