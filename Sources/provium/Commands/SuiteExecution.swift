import ArgumentParser
import ProviumEvents
import ProviumReports
import ProviumRunner
import ProviumRuntime
import ProviumScripts

/// Runs tests with the options that `provium test` and the commands of suites share.
struct SuiteExecution {
  let selection: SelectionOptions
  let running: ExecutionOptions
  let machines: VMOptions
  let reports: ReportOptions
  /// Files, folders and suites; empty: those of `provium.toml`.
  let paths: [String]
  /// The tests are those of a project, and not of one suite that the command line names.
  var isProject = false
  /// Makes the source of the tests.
  let source: (Configuration) throws -> any TestSource

  /// Runs the tests, or watches them.
  /// - Throws: `ExitCode`, or a user error.
  func run() throws {
    guard !running.watch || reports.baseline == nil else {
      throw ValidationError("--watch has no end, so it cannot be compared with --baseline")
    }
    let interruption = try Interruption()
    let signals = try SignalThread(interruption)
    guard running.watch else { throw ExitCode(try runOnce(interruption, signals)) }
    var suite = try prepare()
    while try watch(suite, interruption) == .configurationChanged {
      guard let next = try prepareAgain(interruption) else { break }
      suite = next
    }
    throw ExitCode(signals.exitCode ?? 0)
  }

  /// The files to run, and what they are read from.
  private struct Prepared {
    let configuration: Configuration
    let memory: RunMemory
    let selection: SuiteSelection
  }

  private func prepare() throws -> Prepared {
    var configuration = try ConfigurationFile.find()
    let kernels = try configuration.kernels(named: machines.kernels)
    for kernel in kernels {
      try configuration.prepare(kernel) { Console.error("provium: \(kernel.label): \($0)") }
    }
    if let first = kernels.first { configuration = configuration.booting(first) }
    let memory = RunMemory(configuration) { Console.error("provium: warning: \($0)") }
    let selection = try SuiteSelection(
      paths,
      try selection.criteria(),
      configuration: configuration,
      memory: memory,
      source: try kernels.isEmpty
        ? source(configuration) : MatrixTests(kernels, configuration, source: source)
    )
    for line in selection.skipped { Console.error("provium: warning: \(line)") }
    return Prepared(configuration: configuration, memory: memory, selection: selection)
  }

  /// Prepares the suite after a change of the configuration. Shows errors in it and waits until it is right.
  /// - Returns: nil after an interruption.
  private func prepareAgain(_ interruption: Interruption) throws -> Prepared? {
    while interruption.reason == nil {
      let change = try ConfigurationWatch()
      do { return try prepare() } catch { Console.error("provium: \(error)") }
      Console.print("watching \(ConfigurationFile.name) (Ctrl-C ends)")
      try change.awaitChange(or: interruption)
    }
    return nil
  }

  /// Calls `body` with a suite run whose events go to the reports, and to the terminal through a sink of its own.
  private func withRun<Result>(
    _ prepared: Prepared,
    _ interruption: Interruption,
    _ body: (SuiteRun, RoundSink, ResultCollector) throws -> Result
  ) throws -> Result {
    var engineOptions = try machines.engineOptions()
    running.apply(to: &engineOptions)
    reports.apply(to: &engineOptions)
    let logs = FileLogs()
    let collector = ResultCollector()
    let terminal = RoundSink(reports.terminalReporter(expected: prepared.selection.durations))
    let sinks: [any EventSink] = [terminal] + (try reports.reportSinks()) + [logs, collector]
    let known = prepared.configuration.knownFailures
    let engine = try Engine(
      configuration: prepared.configuration,
      options: engineOptions,
      sinks: known.isEmpty ? sinks : [KnownFailureSink(KnownFailures(known), before: sinks)]
    )
    defer { engine.close() }
    Console.announceDebugLogs(of: engine)
    logs.folder = engine.run.path
    let run = SuiteRun(
      prepared.selection,
      options: running.runOptions(selection.testSelection, engineOptions),
      engine: engine,
      memory: prepared.memory,
      interruption: interruption
    )
    return try body(run, terminal, collector)
  }

  private func runOnce(_ interruption: Interruption, _ signals: SignalThread) throws -> Int32 {
    let baseline = try reports.baselineResults()
    let prepared = try prepare()
    return try withRun(prepared, interruption) { run, _, collector in
      let result = try run.run()
      let say = reports.files.takesOutput ? Console.error : Console.print
      if running.flaky { say(result.flaky.text) }
      let known = KnownFailures(prepared.configuration.knownFailures)
      for line in known.stale(in: collector.results, isComplete: isComplete(prepared, interruption)) {
        say("provium: warning: \(line)")
      }
      if let code = signals.exitCode { return code }
      guard let baseline else { return result.exitCode }
      let comparison = RunComparison(from: baseline, to: collector.results)
      say((["", "compared with \(reports.baseline ?? "")"] + comparison.lines).joined(separator: "\n"))
      // A run that ended early is no comparison.
      if interruption.reason != nil { return result.exitCode }
      if comparison.newFailures.isEmpty { return 0 }
      return comparison.hasInfrastructureErrorsAlone ? ExitStatusCode.notJudged : ExitStatusCode.testFailed
    }
  }

  /// Whether all tests of the project have run.
  private func isComplete(_ prepared: Prepared, _ interruption: Interruption) -> Bool {
    isProject && interruption.reason == nil && prepared.selection.isEverything
      && selection.testSelection.isEverything
  }

  private func watch(_ prepared: Prepared, _ interruption: Interruption) throws -> SuiteWatch.Ending {
    try withRun(prepared, interruption) { run, terminal, _ in
      let watch = SuiteWatch(run, interruption: interruption)
      return try watch.run(configuration: prepared.configuration) { step in
        switch step {
        case .roundEnded: try terminal.finish()
        case .waiting(let files): Console.print("\nwatching \(files) files (Ctrl-C ends)")
        case .changed(let summary): Console.print("\(summary)\n")
        case .roundBegins: terminal.begin(reports.terminalReporter(expected: prepared.selection.durations))
        }
      }
    }
  }
}

extension SuiteExecution {
  /// Runs one suite that the command line names.
  init(
    _ suite: SuiteSettings,
    _ selected: [String],
    _ selection: SelectionOptions,
    _ running: ExecutionOptions,
    _ machines: VMOptions,
    _ reports: ReportOptions
  ) {
    self.init(
      selection: selection,
      running: running,
      machines: machines,
      reports: reports,
      paths: [],
      source: { try ProjectTests(suite, selected: selected, in: $0) }
    )
  }
}
