import ProviumCases
import ProviumEvents
import ProviumRuntime
import Testing

/// Runs a file's script around its suite's test cases, and drains the script's reports inside them.
struct ScriptScope: SuiteTrait, TestScoping {
  let file: CataloguedFile

  func provideScope(
    for test: Test,
    testCase: Test.Case?,
    performing function: @Sendable () async throws -> Void
  ) async throws {
    let selected = PreparedTests.shared.selected(in: file.file.path)
    // Everything in it was skipped: no script, no machine.
    guard !selected.isEmpty else { return try await function() }
    guard let engine = SharedEngine.engine else { return try await function() }
    try await SharedEngine.admission.admitted {
      try await Self.withRun(of: file, selected: selected, engine: engine, function)
    }
  }

  private static func withRun(
    of file: CataloguedFile,
    selected: Set<ScriptRun.Part>,
    engine: Engine,
    _ function: @Sendable () async throws -> Void
  ) async throws {
    let run = try start(file, selected: selected, engine: engine)
    await run.prelude()
    do {
      try await ScriptRun.$current.withValue(run) { try await function() }
    } catch {
      run.abort("the suite was cancelled")
      await run.waitForEnd()
      throw error
    }
    // A tail that `(script)` would have told, had it not been filtered out.
    if !selected.contains(.script) { _ = await deliver(run, .script, file, line: 1) }
    await run.waitForEnd()
  }

  private static func start(_ file: CataloguedFile, selected: Set<ScriptRun.Part>, engine: Engine) throws
    -> ScriptRun
  {
    let run = ScriptRun(
      file: file.file,
      number: SharedEngine.nextNumber(),
      listed: Set(file.enabledPaths),
      selected: selected,
      engine: engine
    )
    try run.start()
    return run
  }

  // MARK: One test case

  #if compiler(>=6.3)
    /// The body of a native test case. Runs on the case's own task, so that what it records is the case's.
    static func runTest(_ file: CataloguedFile, _ test: CataloguedTest) async throws {
      let location = file.location(line: test.line, column: test.column)
      guard let engine = usableEngine(for: file, location) else { return }
      var skip: String?
      if let run = ScriptRun.current {
        skip = await deliver(run, test.part, file, line: test.line)
      } else {
        skip = try await FlatRuns.shared.withRun(of: file) {
          try start(file, selected: PreparedTests.shared.selected(in: file.file.path), engine: engine)
        } body: { run in
          await deliver(run, test.part, file, line: test.line)
        }
      }
      // `Test.cancel` cancels this task; inside the cancellation handler of `deliver` that would look like an abort.
      if let skip { try Test.cancel(Comment(rawValue: XMLText.clean(skip)), sourceLocation: location) }
    }
  #endif

  /// All of a file as one test: where sub-tests cannot be cases of their own. A skipped one ends nothing.
  static func runWhole(_ file: CataloguedFile) async throws {
    guard let engine = usableEngine(for: file, file.location(line: 1)) else { return }
    let tests = file.tests.filter { $0.disabled == nil }
    try await SharedEngine.admission.admitted {
      try await withRun(of: file, selected: Set(tests.map(\.part)), engine: engine) {
        guard let run = ScriptRun.current else { return }
        for test in tests { _ = await deliver(run, test.part, file, line: test.line) }
      }
    }
  }

  /// nil after what stands in the way was recorded.
  private static func usableEngine(for file: CataloguedFile, _ location: SourceLocation) -> Engine? {
    if let complaint = file.complaint {
      Issue.record(
        Comment(rawValue: XMLText.clean(complaint.message)),
        sourceLocation: file.location(line: complaint.line)
      )
      return nil
    }
    if let engine = SharedEngine.engine { return engine }
    Issue.record(Comment(rawValue: XMLText.clean(SharedEngine.complaint)), sourceLocation: location)
    return nil
  }

  /// Records what the script reports for one part. Returns the reason when the part was skipped while it ran.
  private static func deliver(
    _ run: ScriptRun,
    _ part: ScriptRun.Part,
    _ file: CataloguedFile,
    line: Int
  ) async -> String? {
    guard let reports = run.reports(for: part) else {
      Issue.record(
        "a Lua sub-test cannot be repeated on its own: its file runs as a whole",
        sourceLocation: file.location(line: line)
      )
      return nil
    }
    var skip: String?
    var hasInner = false
    await withTaskCancellationHandler {
      for await report in reports {
        if case .inner(let result) = report, result.outcome.isFailure { hasInner = true }
        // What failed inside of it has been told, here; else it has a case of its own, and this one names it.
        if hasInner, case .ended(let result) = report, result.outcome.failure?.kind == .inner { continue }
        skip = record(report, file, line: line) ?? skip
      }
    } onCancel: {
      run.abort("the test was cancelled")
    }
    return skip
  }

  private static func record(_ report: ScriptRun.Report, _ file: CataloguedFile, line: Int) -> String? {
    switch report {
    case .ended(let result):
      return record(result.outcome, name: result.name, output: result.output, file, line: line)
    case .inner(let result):
      recordInner(result, file)
      return nil
    case .notReached(let why, let location):
      Issue.record(
        Comment(rawValue: XMLText.clean("not reached: \(why)")),
        sourceLocation: file.location(line: location?.line ?? line)
      )
      return nil
    case .script(let result, let unlisted):
      for test in unlisted { recordInner(test, file) }
      return record(result.outcome, name: "(script)", output: result.output, file, line: line)
    }
  }

  /// A sub-test without a case of its own: a failure is that of the case that it belongs to.
  private static func recordInner(_ test: SubTestResult, _ file: CataloguedFile) {
    guard case .failed = test.outcome else { return }
    _ = record(
      test.outcome,
      prefix: "\(test.name): ",
      name: test.name,
      output: test.output,
      file,
      line: test.location.line
    )
  }

  private static func record(
    _ outcome: Outcome,
    prefix: String = "",
    name: String,
    output: String,
    _ file: CataloguedFile,
    line: Int
  ) -> String? {
    switch outcome {
    case .passed: return nil
    case .skipped(let reason): return reason.isEmpty ? "skipped" : reason
    case .todo(let reason): return reason.isEmpty ? "todo" : "todo: \(reason)"
    case .failed(let failure):
      file.record(failure, prefix: prefix, output: output, line: line)
      file.attach(output, "output", of: name)
      file.attach(failure.console.joined(separator: "\n"), "console", of: name)
      file.attach(failure.trace.joined(separator: "\n"), "operations", of: name)
      return nil
    }
  }
}

/// Runs of files whose suite type could not be made: the first test case of a file to run starts the script.
actor FlatRuns {
  static let shared = FlatRuns()
  private var runs: [String: Task<ScriptRun, any Error>] = [:]

  /// The file counts as running, for admission, until its script has ended.
  func withRun<Result: Sendable>(
    of file: CataloguedFile,
    start: @escaping @Sendable () throws -> ScriptRun,
    body: @Sendable (ScriptRun) async -> Result
  ) async throws -> Result {
    let task = runs[file.file.path] ?? Task { try await Self.admitted(start) }
    runs[file.file.path] = task
    return await body(try await task.value)
  }

  private static func admitted(_ start: @escaping @Sendable () throws -> ScriptRun) async throws -> ScriptRun
  {
    try await withCheckedThrowingContinuation { started in
      Task {
        do {
          try await SharedEngine.admission.admitted {
            let run: ScriptRun
            do { run = try start() } catch {
              started.resume(throwing: error)
              return
            }
            started.resume(returning: run)
            await run.waitForEnd()
          }
        } catch { started.resume(throwing: error) }
      }
    }
  }
}
