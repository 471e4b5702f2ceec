package import ProviumEvents

/// The exit codes of `provium`. 0: all tests passed.
package enum ExitStatusCode {
  /// A test failed.
  package static let testFailed: Int32 = 1
  /// A user error, or infrastructure errors alone: the code under test was not judged.
  package static let notJudged: Int32 = 2
  /// `provium run`: the command was ended at its time limit, as `timeout(1)` does.
  package static let timedOut: Int32 = 124

  /// A signal ended the command, as a shell reports it: 130 after Ctrl-C, 143 after SIGTERM.
  package static func signal(_ number: Int32) -> Int32 { 128 + number }

  /// Combines `code` with the exit code of `results`. Failed tests take precedence over infrastructure errors.
  package static func of(_ results: [FileResult], after code: Int32 = 0) -> Int32 {
    results.reduce(code) { code, result in
      guard result.hasFailed, code != testFailed else { return code }
      return result.failedByInfrastructureAlone ? notJudged : testFailed
    }
  }
}
