import ProviumRunner
import ProviumRuntime
import ProviumScripts
import Testing

/// Runs a script around the test cases of its suite. The cases read the script's reports.
struct ScriptScope: SuiteTrait, TestScoping {
  let file: NativeFile

  func provideScope(
    for test: Test,
    testCase: Test.Case?,
    performing function: @Sendable () async throws -> Void
  ) async throws {
    let selected = SelectedCases.shared.selected(in: file.file)
    // If all cases are skipped, no script runs and no VM boots. Without an engine, each case says why.
    guard !selected.isEmpty, let engine = SharedEngine.engine else { return try await function() }
    try await SharedEngine.admission.admitted {
      try await Self.withRun(of: file, selected: selected, engine: engine, function)
    }
  }

  private static func withRun(
    of file: NativeFile,
    selected: Set<NativeCase.Subject>,
    engine: Engine,
    _ function: @Sendable () async throws -> Void
  ) async throws {
    let run = try NativeRun(file, selected: selected, engine: engine)
    try run.start()
    await run.waitForFirstCase()
    do {
      try await NativeRun.$current.withValue(run) { try await function() }
    } catch {
      run.abort("the suite was cancelled")
      await run.waitForEnd()
      throw error
    }
    // A failure outside the selected sub-tests fails the suite also if a filter left `(script)` out.
    if !selected.contains(.script), let script = file.cases.last { _ = await record(run, script) }
    await run.waitForEnd()
  }

  // MARK: One test case

  #if compiler(>=6.3)
    /// The body of a native test case. Runs on the task of the case, so that the issues it records belong to the case.
    static func runTest(_ file: NativeFile, _ test: NativeCase) async throws {
      let location = file.location(line: test.line, column: test.column)
      guard let engine = usableEngine(for: file, location) else { return }
      var skip: String?
      if let run = NativeRun.current {
        skip = await record(run, test)
      } else {
        skip = try await FlatRuns.shared.withRun(of: file, engine: engine) { await record($0, test) }
      }
      // `Test.cancel` cancels this task. Inside the cancellation handler of `record` that would abort the run.
      if let skip { try Test.cancel(Comment(rawValue: skip), sourceLocation: location) }
    }
  #endif

  /// Runs a whole file as one test. A skipped sub-test does not end the test.
  static func runWhole(_ file: NativeFile) async throws {
    guard let engine = usableEngine(for: file, file.location(line: 1)) else { return }
    let tests = file.cases.filter { $0.disabled == nil }
    try await SharedEngine.admission.admitted {
      try await withRun(of: file, selected: Set(tests.map(\.subject)), engine: engine) {
        guard let run = NativeRun.current else { return }
        for test in tests { _ = await record(run, test) }
      }
    }
  }

  /// Returns the engine, or nil after it recorded why the file cannot run.
  private static func usableEngine(for file: NativeFile, _ location: SourceLocation) -> Engine? {
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

  /// Records the failures that the script reports for one case. Returns the reason if the case was skipped while it ran.
  private static func record(_ run: NativeRun, _ test: NativeCase) async -> String? {
    var reader = CaseReader(run.file, test)
    guard let reports = run.reports(for: test.subject) else {
      run.file.record(reader.repeated)
      return nil
    }
    await withTaskCancellationHandler {
      for await report in reports {
        for failure in reader.read(report) { run.file.record(failure) }
      }
    } onCancel: {
      run.abort("the test was cancelled")
    }
    return reader.skipReason
  }
}
