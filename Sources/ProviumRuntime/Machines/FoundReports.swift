import ProviumEvents
import ProviumVM

/// Kernel reports that nobody meant, by the machine on whose console they stood: of one test, or of a file outside its tests.
struct FoundReports {
  private var reports: [(machine: String, report: KernelReport)] = []
  /// Machines that printed more reports than are kept, with the number of those that nobody can judge.
  private var blind: [(machine: String, count: Int)] = []
  /// Titles that a message names.
  private static let namedReports = 5
  /// Lines that a failure quotes.
  private static let quotedLines = 60

  var isEmpty: Bool { reports.isEmpty && blind.isEmpty }

  mutating func add(_ found: [KernelReport], lost: Int, of machine: String) {
    reports += found.map { (machine, $0) }
    if lost > 0 { blind.append((machine, lost)) }
  }

  mutating func add(_ other: FoundReports) {
    reports += other.reports
    blind += other.blind
  }

  /// What a test's outcome becomes by them. A first failure of the script's own stays what it is; where the machine failed
  /// or did not answer, the kernel's report is the reason, and no fault of the harness.
  /// - Parameter location: of the test, for one that failed in no line of its own.
  func judge(_ outcome: Outcome, at location: ScriptLocation) -> Outcome {
    guard !isEmpty else { return outcome }
    var failure = Failure(kind: .kernelReport, message: message, location: location)
    if case .failed(let first) = outcome {
      failure = first
      let news = message(beside: first.message)
      switch first.kind {
      case .assertion, .error, .kernelReport, .inner:
        failure.message = [first.message, news].filter { !$0.isEmpty }.joined(separator: "\n")
      case .infrastructure, .timeout:
        failure.kind = .kernelReport
        failure.message = news.isEmpty ? first.message : "\(news)\nand then: \(first.message)"
      }
    }
    failure.console = Array(reports.flatMap(\.report.lines).prefix(Self.quotedLines))
    return .failed(failure)
  }

  var message: String { message(beside: "") }

  /// Without the reports that `text` names already: a machine's death says of what.
  private func message(beside text: String) -> String {
    let news = reports.filter { !text.contains($0.report.title) }
    var lines = news.prefix(Self.namedReports).map {
      "the kernel of \($0.machine) reported: \($0.report.title)"
    }
    if news.count > lines.count { lines.append("and \(news.count - lines.count) reports more") }
    lines += blind.map {
      "the console of \($0.machine) holds \($0.count) more kernel reports than could be looked at"
    }
    return lines.joined(separator: "\n")
  }
}
