/// Why a test did not pass. The families never mix: a `harness` fault is Provium's, QEMU's or the guest's, not the
/// assertion's, and is the only one that may ever be retried.
package enum FailureKind: String, Sendable, Codable, Hashable {
  /// An assertion did not hold.
  case assertion
  /// The script raised: a Lua error, or a misuse of Provium's functions.
  case error
  /// The machine, the guest or Provium failed: QEMU died, the agent was lost.
  case harness
  /// The script, a sub-test or an operation ran out of time.
  case timeout
  /// The kernel printed a report (oops, KASAN, WARNING …) that the test did not expect, or panicked.
  case splat
  /// A sub-test inside it failed; it has no failure of its own.
  case inner
}

/// A place in a script: the path as the run shows it, and a line from 1.
package struct ScriptLocation: Sendable, Codable, Hashable, CustomStringConvertible {
  package let file: String
  package let line: Int

  package init(file: String, line: Int) {
    self.file = file
    self.line = line
  }
  package var description: String { "\(file):\(line)" }
}

/// What a failed test shows.
package struct Failure: Sendable, Codable, Hashable {
  package var kind: FailureKind
  /// One or more lines, without the location in front.
  package var message: String
  package var location: ScriptLocation?
  /// The script's own frames, innermost first, one a line.
  package var traceback: [String] = []
  /// The last operations on the machine, in the style of strace.
  package var trace: [String] = []
  /// The last lines of the machine's console.
  package var console: [String] = []

  package init(kind: FailureKind, message: String, location: ScriptLocation? = nil) {
    self.kind = kind
    self.message = message
    self.location = location
  }

  /// `tests/token.lua:14: expected "0", got "-13"`.
  package var summary: String { location.map { "\($0): \(message)" } ?? message }
}

/// How a test or a file ended.
package enum Outcome: Sendable, Codable, Hashable {
  case passed
  case failed(Failure)
  /// Not implemented yet, by its own word: neither pass nor failure.
  case todo(reason: String)
  case skipped(reason: String)

  package var isFailure: Bool { failure != nil }
  /// What failed, if it did.
  package var failure: Failure? {
    if case .failed(let failure) = self { failure } else { nil }
  }
  /// `passed`, `failed`, `todo`, `skipped`.
  package var name: String {
    switch self {
    case .passed: "passed"
    case .failed: "failed"
    case .todo: "todo"
    case .skipped: "skipped"
    }
  }
}

/// One sub-test, ended.
package struct SubTestResult: Sendable, Codable, Hashable {
  /// From the outermost test inwards: `["outer", "inner"]`.
  package var path: [String]
  package var outcome: Outcome
  /// Seconds.
  package var duration: Double
  package var location: ScriptLocation
  /// What the test printed.
  package var output: String = ""
  package var tags: [String] = []
  /// Whatever else the script gave as `meta`, as text.
  package var properties: [String: String] = [:]

  package init(path: [String], outcome: Outcome, duration: Double, location: ScriptLocation) {
    self.path = path
    self.outcome = outcome
    self.duration = duration
    self.location = location
  }
  /// `outer / inner`.
  package var name: String { path.joined(separator: " / ") }
}

/// One test file, ended.
package struct FileResult: Sendable, Codable, Hashable {
  /// Relative to the tests' root, with `/`.
  package var file: String
  /// What the script itself came to, outside its sub-tests. `passed` even when sub-tests failed.
  package var outcome: Outcome
  package var subTests: [SubTestResult]
  /// Seconds.
  package var duration: Double
  /// What the script printed outside sub-tests.
  package var output: String = ""
  /// A file that defined no sub-test and booted no machine: a helper, not a test.
  package var isHelper = false
  /// 0 for the first run; n for the n-th retry after a harness fault.
  package var attempt = 0
  /// Where the file's log is kept; nil when it was not.
  package var logPath: String?

  package init(file: String, outcome: Outcome, subTests: [SubTestResult], duration: Double) {
    self.file = file
    self.outcome = outcome
    self.subTests = subTests
    self.duration = duration
  }
  package var hasFailed: Bool { outcome.isFailure || subTests.contains { $0.outcome.isFailure } }
  /// Every failure in it is the harness's: it says nothing of what is tested, and is worth another try. An outer test that failed by
  /// its inner ones has no failure of its own.
  package var failedByHarnessAlone: Bool {
    let failures = ([outcome] + subTests.map(\.outcome)).compactMap(\.failure).filter { $0.kind != .inner }
    return !failures.isEmpty && failures.allSatisfy { $0.kind == .harness }
  }
  /// The whole file was skipped or is a todo, and nothing in it ran.
  package var isSkipped: Bool {
    if case .skipped = outcome { return subTests.isEmpty }
    return false
  }
}
