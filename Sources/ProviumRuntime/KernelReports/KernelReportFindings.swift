package import ProviumEvents
package import ProviumVM

/// The kernel reports that no test expected, by VM: of one sub-test, or of a script outside its sub-tests.
package struct KernelReportFindings {
  private var reports: [(machine: String, report: KernelReport)] = []
  /// VMs that printed more reports than are kept, with the number of reports that cannot be judged.
  private var unjudged: [(machine: String, count: Int)] = []
  /// Titles that a message names.
  private static let namedReports = 5
  /// Lines that a failure quotes.
  private static let quotedLines = 60

  package init() {}

  package var isEmpty: Bool { reports.isEmpty && unjudged.isEmpty }

  /// Returns the findings whose reports have such a title. Reports that were not looked at remain.
  package func filter(_ isIncluded: (_ title: String) -> Bool) -> KernelReportFindings {
    var findings = self
    findings.reports = reports.filter { isIncluded($0.1.title) }
    return findings
  }

  /// Returns the findings without reports of that kind.
  package func without(_ kind: KernelReport.Kind) -> KernelReportFindings {
    var findings = self
    findings.reports.removeAll { $0.report.kind == kind }
    return findings
  }

  mutating func add(_ found: [KernelReport], lost: Int, of machine: String) {
    reports += found.map { (machine, $0) }
    if lost > 0 { unjudged.append((machine, lost)) }
  }

  /// Adds source lines to the frames of the lines that a failure quotes.
  mutating func decode(with decoder: inout ReportDecoder) {
    var rest = Self.quotedLines
    for index in reports.indices where rest > 0 {
      let lines = reports[index].report.lines
      reports[index].report.lines.replaceSubrange(
        ..<min(rest, lines.count),
        with: decoder.decode(Array(lines.prefix(rest)))
      )
      rest -= lines.count
    }
  }

  /// The release of the kernel, from the first report that has it.
  var kernelRelease: String? {
    TraceFrame.kernelRelease(in: reports.lazy.flatMap(\.report.lines).prefix(Self.quotedLines))
  }

  package mutating func add(_ other: KernelReportFindings) {
    reports += other.reports
    unjudged += other.unjudged
  }

  /// Leaves out reports that an error names already.
  package mutating func remove(_ named: Set<KernelReport.ID>) {
    reports.removeAll { named.contains($0.report.id) }
  }

  /// The outcome of a test in view of the reports. The test's own first failure remains the failure; if the VM failed or did
  /// not answer, the kernel's report is the reason, and the failure is no infrastructure error.
  /// - Parameters:
  ///   - named: reports that the message of `outcome` names already.
  ///   - location: of the test, for a failure without a line of its own.
  package func judge(
    _ outcome: Outcome,
    naming named: Set<KernelReport.ID> = [],
    at location: ScriptLocation?
  ) -> Outcome {
    guard !isEmpty else { return outcome }
    var failure = Failure(kind: .kernelReport, message: message, location: location)
    if case .failed(let first) = outcome {
      failure = first
      let news = message(without: named)
      switch first.kind {
      case .assertion, .error, .kernelReport, .inner:
        failure.message = [first.message, news].filter { !$0.isEmpty }.joined(separator: "\n")
      case .infrastructure, .timeout:
        failure.kind = .kernelReport
        failure.message = news.isEmpty ? first.message : "\(news)\nand then: \(first.message)"
      }
    }
    failure.console = console
    return .failed(failure)
  }

  /// The reports' own lines, as far as a failure quotes them.
  package var console: [String] {
    Array(reports.flatMap(\.report.lines).prefix(Self.quotedLines))
  }

  /// `the kernel of vm1 (default) reported: TITLE`, one line for each report; empty without reports.
  package var message: String { message(without: []) }

  private func message(without named: Set<KernelReport.ID>) -> String {
    let news = reports.filter { !named.contains($0.report.id) }
    var lines = news.prefix(Self.namedReports).map {
      "the kernel of \($0.machine) reported: \($0.report.title)"
    }
    if news.count > lines.count { lines.append("and \(news.count - lines.count) reports more") }
    lines += unjudged.map {
      "the console of \($0.machine) holds \($0.count) more kernel reports than could be looked at"
    }
    return lines.joined(separator: "\n")
  }
}
