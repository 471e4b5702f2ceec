import ProviumAgentClient
import ProviumEvents
import ProviumKTAP
import ProviumRunner
import ProviumRuntime
import ProviumSystem
import Synchronization
public import Testing

extension Guest {
  /// Runs `/bin/sh -c command` in the guest and reads the test results that it prints: KTAP and TAP, or lines such as
  /// `[PASS] name` and `TPASS: text` where it prints none of them.
  ///
  /// Each failed result is recorded as an issue of the running test. So is the end of the program, where the failed results
  /// do not explain it: a plan that is not fulfilled, an exit status that contradicts the results, a signal, the time limit.
  /// A program that printed no result has its exit status alone. A program that skips itself (exit status 4) records no issue;
  /// ``ProgramResults/tests`` then has its reason.
  ///
  /// ```swift
  /// let program = "printf 'TAP version 13\\n1..1\\nok 1 timer_create\\n'"
  /// let results = try await vm.ktap(program, CommandOptions(timeout: .seconds(30)))
  /// #expect(results.tests.contains { $0.name == "timer_create" })
  /// ```
  ///
  /// - Parameters:
  ///   - command: a line for the guest's shell. Its standard error counts as output.
  ///   - options: the environment, the standard input, the working directory, and the command's time limit.
  ///   - sourceLocation: where issues are recorded.
  /// - Returns: the results, at most 50,000.
  /// - Throws: ``ProviumError`` if the command could not be run to its end. The results up to then have been recorded.
  @discardableResult
  public final func ktap(
    _ command: String,
    _ options: CommandOptions = CommandOptions(),
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws(ProviumError) -> ProgramResults {
    let found = FoundResults(at: ScriptLocation(file: sourceLocation.fileID, line: sourceLocation.line))
    let ended: TestProgram.Ended
    do {
      ended = try await target.perform("ktap \(command)", allowance: options.timeout ?? .zero) {
        connection,
        deadline in
        try TestProgram(ByteString(command), options).run(on: connection, until: deadline) { result, _ in
          found.take(result)
        }
      }
    } catch {
      found.record(at: sourceLocation)
      throw error
    }
    found.conclude(ended, command: command)
    found.record(at: sourceLocation)
    return found.results
  }
}

/// The results of one program while it runs. Thread-safe.
private final class FoundResults: Sendable {
  private struct State {
    var subTests: ProgramSubTests
    var results = ProgramResults()
    /// Of the program as a whole, where its results do not tell.
    var failure: String?
  }
  private let state: Mutex<State>

  init(at location: ScriptLocation) { state = Mutex(State(subTests: ProgramSubTests(at: location))) }

  var results: ProgramResults { state.withLock { $0.results } }

  func take(_ result: KTAPResult) {
    state.withLock { state in
      let test = state.subTests.subTest(result)
      state.results.tests.append(ProgramResults.Test(test))
    }
  }

  func conclude(_ ended: TestProgram.Ended, command: String) {
    state.withLock { state in
      state.results.exitCode = ended.exitStatus
      state.results.isSuccess = ended.verdict == .passed
      switch ended.verdict {
      case .passed: break
      case .skipped(let reason):
        // The program's own result says so, unless it printed none.
        guard ended.summary.results == 0 else { break }
        let skipped = ProgramResults.Test.Outcome.skipped(reason: reason)
        state.results.tests.append(
          ProgramResults.Test(path: [command], outcome: skipped, output: ended.summary.trailingText)
        )
      case .failed(let message): if !ended.isExplainedByResults { state.failure = "\(command): \(message)" }
      case .timedOut: state.failure = "\(command): the program reached its time limit and was ended"
      }
    }
  }

  /// Records the failures as issues of the running test. A test that failed by its inner tests alone is none.
  func record(at location: SourceLocation) {
    let (tests, failure) = state.withLock { ($0.results.tests, $0.failure) }
    let failed = tests.filter { if case .failed = $0.outcome { true } else { false } }
    for test in failed {
      guard case .failed(let message) = test.outcome,
        !failed.contains(where: { $0.path.count > test.path.count && $0.path.starts(with: test.path) })
      else { continue }
      Issue.record(Comment(rawValue: XMLText.clean("\(test.name): \(message)")), sourceLocation: location)
    }
    if let failure { Issue.record(Comment(rawValue: XMLText.clean(failure)), sourceLocation: location) }
  }
}

extension ProgramResults.Test {
  fileprivate init(_ test: ProgramSubTests.SubTest) {
    let outcome: Outcome =
      switch test.outcome {
      case .passed: .passed
      case .failed(let failure): .failed(message: failure.message)
      case .skipped(let reason): .skipped(reason: reason)
      case .todo(let reason): .todo(reason: reason)
      }
    self.init(path: test.path, outcome: outcome, output: test.output)
  }
}
