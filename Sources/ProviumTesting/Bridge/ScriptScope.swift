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
    await SharedEngine.admission.enter()
    do {
      try await Self.withRun(of: file, selected: selected, engine: engine, function)
    } catch {
      await SharedEngine.admission.leave()
      throw error
    }
    await SharedEngine.admission.leave()
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
    let paths = selected.compactMap { part -> [String]? in
      if case .subTest(let path) = part { path } else { nil }
    }
    let run = ScriptRun(
      file: file.file,
      number: SharedEngine.nextNumber(),
      listed: Set(file.enabledPaths),
      selected: Set(paths),
      engine: engine
    )
    try run.start()
    return run
  }

  // MARK: One test case

  /// The body of a native test case. Runs on the case's own task, so that what it records is the case's.
  static func runTest(_ file: CataloguedFile, _ test: CataloguedTest) async throws {
    let location = file.location(line: test.line, column: test.column)
    if let complaint = file.complaint {
      Issue.record(
        Comment(rawValue: XMLText.clean(complaint.message)),
        sourceLocation: file.location(line: complaint.line)
      )
      return
    }
    guard let engine = SharedEngine.engine else {
      Issue.record(Comment(rawValue: XMLText.clean(SharedEngine.complaint)), sourceLocation: location)
      return
    }
    let run: ScriptRun
    if let current = ScriptRun.current {
      run = current
    } else {
      run = try await FlatRuns.shared.run(of: file) {
        try start(file, selected: PreparedTests.shared.selected(in: file.file.path), engine: engine)
      }
    }
    // `Test.cancel` cancels this task; inside the cancellation handler of `deliver` that would look like an abort.
    if let skip = await deliver(run, test.part, file, line: test.line) {
      try Test.cancel(Comment(rawValue: XMLText.clean(skip)), sourceLocation: location)
    }
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
    await withTaskCancellationHandler {
      for await report in reports { skip = record(report, file, line: line) ?? skip }
    } onCancel: {
      run.abort("the test was cancelled")
    }
    return skip
  }

  private static func record(_ report: ScriptRun.Report, _ file: CataloguedFile, line: Int) -> String? {
    switch report {
    case .ended(let result):
      return record(result.outcome, name: result.name, output: result.output, file, line: line)
    case .notReached(let why, let location):
      Issue.record(
        Comment(rawValue: XMLText.clean("not reached: \(why)")),
        sourceLocation: file.location(line: location?.line ?? line)
      )
      return nil
    case .script(let result, let unlisted):
      for test in unlisted {
        guard case .failed(let failure) = test.outcome else { continue }
        file.record(failure, prefix: "\(test.name): ", line: test.location.line)
      }
      return record(result.outcome, name: "(script)", output: result.output, file, line: line)
    }
  }

  private static func record(
    _ outcome: Outcome,
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
      file.record(failure, prefix: "", line: line)
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
  private var runs: [String: ScriptRun] = [:]

  func run(of file: CataloguedFile, start: () throws -> ScriptRun) throws -> ScriptRun {
    if let run = runs[file.file.path] { return run }
    let run = try start()
    runs[file.file.path] = run
    return run
  }
}
