package import ProviumEvents

/// One run of one test file.
package struct FileRun: Sendable {
  /// A sub-test that has started and not ended.
  struct OpenSubTest {
    var path: [String]
    var location: ScriptLocation
    var started: Double
  }

  /// Relative to the tests' root.
  package let file: String
  /// See `FileResult.attempt`.
  package let attempt: Int
  /// The number of earlier repetitions of the file in the same run (`--repeat`).
  package let round: Int
  /// In seconds since the run began.
  package let started: Double
  /// nil while the file runs, and for a file without an end.
  package internal(set) var result: FileResult?
  /// The file's last activity.
  package internal(set) var activity = ""
  /// Whether a later attempt replaced this one.
  package internal(set) var isSuperseded = false
  var endTime: Double?
  var open: [OpenSubTest] = []
  /// The ended sub-tests of a file without a result. The result contains them too.
  var ended: [SubTestResult] = []

  init(file: String, attempt: Int, round: Int, started: Double) {
    self.file = file
    self.attempt = attempt
    self.round = round
    self.started = started
  }

  /// The file with the number of its repetition: `boot.lua`, `boot.lua (run 2)`.
  package var title: String { round == 0 ? file : "\(file) (run \(round + 1))" }

  /// The time of the file's end, in seconds since the run began; `now` while the file runs.
  package func end(at now: Double) -> Double { max(started, endTime ?? now) }

  /// The result. A file without an end has failed by an infrastructure error; so have its open sub-tests.
  package func finished(at now: Double, because reason: String?) -> FileResult {
    if let result { return result }
    let doing = activity.isEmpty ? "" : " during: \(activity)"
    let failure = Failure(
      kind: .infrastructure,
      message: "did not end: \(reason ?? "the run was interrupted")\(doing)"
    )
    // Inner tests end before outer ones.
    let unfinished = open.reversed().map { test in
      SubTestResult(
        path: test.path,
        outcome: .failed(failure),
        duration: max(0, now - test.started),
        location: test.location
      )
    }
    var result = FileResult(
      file: file,
      outcome: .failed(failure),
      subTests: ended + unfinished,
      duration: max(0, now - started)
    )
    result.attempt = attempt
    return result
  }
}
