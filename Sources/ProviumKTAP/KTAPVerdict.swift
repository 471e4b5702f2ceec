/// The verdict on one program, from its exit status and its output.
///
/// The exit status decides, because real programs print `not ok` and exit with 0, or pass with an unfulfilled plan. The results tell
/// what happened inside, and each disagreement is named:
///
/// | exit status | output | verdict |
/// |---|---|---|
/// | 0 | no failure | passed |
/// | 0 | a failed result | failed: the disagreement is the message |
/// | 0 | a plan that is not fulfilled, a missing result | failed: fewer results than planned |
/// | 0 | KTAP without any result | failed: no results |
/// | 4; 32 with LTP | anything but a failed result | skipped (`KSFT_SKIP`, `TCONF`) |
/// | 124 | anything | timed out (`timeout(1)`) |
/// | other | anything | failed |
/// | any | `Bail out!` | failed |
package enum KTAPVerdict: Sendable, Hashable {
  case passed
  case failed(String)
  case skipped(reason: String)
  case timedOut

  /// The exit status of a program that was ended at its time limit, as `timeout(1)` has it.
  package static let timedOutStatus: Int32 = 124
  /// The highest number of a signal (signal(7)). A higher exit status is the program's own.
  private static let lastSignal: Int32 = 64

  /// - Parameter exitStatus: as a shell has it: 128 + n for a program that signal n killed.
  package init(exitStatus: Int32, summary: KTAPSummary, format: ProgramFormat = .kselftest) {
    if let reason = summary.bailOut {
      self = .failed(reason.isEmpty ? "the program bailed out" : "the program bailed out: \(reason)")
      return
    }
    let failures = summary.failures == 0 ? nil : "\(summary.failures) of \(summary.results) results failed"
    switch exitStatus {
    case 0:
      if let failures {
        self = .failed("\(failures), though the program exited with 0")
      } else if let problem = summary.problems.first {
        self = .failed("\(problem), though the program exited with 0")
      } else if let reason = summary.skippedEntirely, summary.results == 0 {
        self = .skipped(reason: reason)
      } else if summary.isKTAP, summary.results == 0 {
        self = .failed("no results, though the program exited with 0")
      } else {
        self = .passed
      }
    case format.skippedStatus where failures == nil:
      let reason = format == .ltp ? summary.lastSkipReason : summary.skippedEntirely
      self = .skipped(reason: reason ?? summary.trailingText.lastLine)
    case Self.timedOutStatus: self = .timedOut
    default:
      let isSignal = (129...128 + Self.lastSignal).contains(exitStatus)
      let cause =
        isSignal
        ? "killed by signal \(exitStatus - 128)"
        : "exit status \(exitStatus)\(format.meaning(of: exitStatus))"
      let details = [cause] + (failures.map { [$0] } ?? []) + summary.problems.prefix(3)
      self = .failed(details.joined(separator: "; "))
    }
  }
}

extension String {
  /// The last line that is not blank.
  fileprivate var lastLine: String {
    split(separator: "\n").map { String($0).trimmed }.last { !$0.isEmpty } ?? ""
  }
}
