/// The result of one test in a program's KTAP output.
package struct KTAPResult: Sendable, Hashable {
  /// The outcome of a test, from its `ok` or `not ok` and its directive.
  package enum Outcome: Sendable, Hashable {
    case passed
    case failed
    case skipped(reason: String)
    /// `# TODO`, `# XFAIL`: expected to fail.
    case todo(reason: String)
    /// `# TIMEOUT`: the runner ended the program.
    case timedOut(reason: String)
  }

  /// Names from the outermost test to this one. A name that repeats within its parent gets an ordinal: `name (2)`.
  package let path: [String]
  package let outcome: Outcome
  /// Text before the result that belongs to it, at most ``KTAPParser/diagnosticLimit`` bytes: the last lines.
  package let diagnostics: String

  package init(path: [String], outcome: Outcome, diagnostics: String = "") {
    self.path = path
    self.outcome = outcome
    self.diagnostics = diagnostics
  }

  package var isFailure: Bool {
    switch outcome {
    case .failed, .timedOut: true
    case .passed, .skipped, .todo: false
    }
  }
}

/// The end of a program's output: everything that is not the result of one test.
package struct KTAPSummary: Sendable, Hashable {
  /// Results with and without failure; duplicates are not counted.
  package var results = 0
  package var failures = 0
  package var skips = 0
  /// The reason of the last skipped result.
  package var lastSkipReason: String?
  /// Identical lines that a forked child printed again from the buffer that it inherited.
  package var duplicates = 0
  /// Contradictions of the output with itself: fewer results than planned, a group without its result.
  package var problems: [String] = []
  /// The reason of `Bail out!`; empty where it gives none.
  package var bailOut: String?
  /// The reason of a plan `1..0 # SKIP reason`: the program skipped itself.
  package var skippedEntirely: String?
  /// The output contained a version, a plan or a result.
  package var isKTAP = false
  /// Text after the last result.
  package var trailingText = ""
}
