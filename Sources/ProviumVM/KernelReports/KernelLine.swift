/// The meaning of one line of a kernel for the search for reports. `KernelReportRules` decides it.
enum KernelLine: Hashable {
  /// The first line of a report that tells its kind.
  case mark(KernelReport.Kind)
  /// The first line of a fault. A line `die` follows and belongs to the same report.
  case fault(KernelReport.Kind)
  /// `Oops: 0002 [#1]`, `Internal error: … [#1]`: the second line of a fault. Without a fault a report of its own.
  case die
  /// `Kernel panic - not syncing: REASON`.
  case panic(reason: Substring)
  /// A line from the inside of a report. It begins a report if the lines before it were lost.
  case part(KernelReport.Kind)
  /// `INFO: task NAME` without the rest of the line: the name contains a line end.
  case brokenHungTask
  /// The rest of such a line.
  case restOfHungTask
  /// `not ok 2 list_test`: the result of a KUnit case or suite that failed, the last line of its report.
  case failedKUnit
  /// `---[ end trace … ]---`.
  case end
  /// `</TASK>`: the end of a trace, and of reports with nothing after their trace.
  case endOfTrace
  /// A line of `=`, which frames the reports of sanitizers and lockdep.
  case rule
  /// `------------[ cut here ]------------`: a report begins after it.
  case cutHere
  case other
}
