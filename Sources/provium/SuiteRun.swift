import Glibc
import ProviumEvents
import ProviumReports
import ProviumRuntime
import ProviumSystem

/// One `provium test`: chooses files, runs them, reports, remembers.
struct SuiteRun {
  /// How it came to its end.
  enum Ending {
    case exit(Int32)
    /// With `--watch`: `provium.toml` is another one.
    case configurationChanged
  }

  private let configuration: Configuration
  private let choice: FileChoice
  private let memory: RunMemory
  private let selection: SelectionOptions
  private let running: RunningOptions
  private let machines: MachineOptionGroup
  private let reports: ReportOptions

  init(
    paths: [String],
    selection: SelectionOptions,
    running: RunningOptions,
    machines: MachineOptionGroup,
    reports: ReportOptions
  ) throws {
    configuration = try ConfigurationFile.find()
    memory = RunMemory(configuration)
    choice = try FileChoice(paths, selection: selection, configuration: configuration, memory: memory)
    self.selection = selection
    self.running = running
    self.machines = machines
    self.reports = reports
  }

  func run(_ interruption: Interruption, _ interrupts: Interrupts) throws -> Ending {
    var engineOptions = try machines.engineOptions()
    if let budget = running.budget { engineOptions.budget = budget }
    let logs = FileLogs()
    let terminal = RoundSink(terminalReporter())
    let engine = try Engine(
      configuration: configuration,
      options: engineOptions,
      sinks: [terminal] + (try reportSinks()) + [logs]
    )
    defer { engine.close() }
    logs.folder = engine.run.path
    var options = RunOptions()
    options.parallel = running.parallel ?? engineOptions.parallel
    options.budget = engineOptions.budget
    options.selection = selection.testSelection
    options.failFast = running.failFast
    options.fileTimeout = running.timeout?.duration
    options.retries = running.retries

    if running.watch { return try watch(engine, options, interruption, interrupts, terminal) }
    let (summary, code, flaky) = try repeatedly(engine, options, interruption)
    engine.endWarmVMs()
    if summary.hasEvidence { engine.run.keep() }
    engine.events.send(.runEnded(summary))
    try engine.events.finish()
    if let flaky { (reports.files.takesOutput ? Console.error : Console.print)(flaky.text) }
    if let code = interrupts.exitCode { return .exit(code) }
    // Reading could not tell, and running has told. Another shard may have what was asked for.
    if code == 0, options.selection.asksFor, choice.shard == nil, summary.tests == 0 {
      throw ChoiceError.noSubTest(UnknownTest(options.selection, []))
    }
    return .exit(code)
  }

  private func repeatedly(
    _ engine: Engine,
    _ options: RunOptions,
    _ interruption: Interruption
  ) throws -> (RunSummary, Int32, FlakyTests?) {
    engine.events.send(.runStarted(header(engine, options, choice.files)))
    let rounds = running.repetitions ?? (running.untilFailure ? .max : 1)
    var total = RunSummary()
    var code: Int32 = 0
    var flaky = running.flaky ? FlakyTests() : nil
    for round in 1...rounds {
      let runner = runner(choice.files, options, engine, interruption)
      total.add(try runner.run())
      code = ExitStatusCode.of(runner.results, after: code)
      flaky?.add(runner.results)
      if interruption.reason != nil || running.untilFailure && total.failed > 0 { break }
      if options.failFast, total.failed > 0 {
        if round < rounds { total.stoppedEarly = total.stoppedEarly ?? RunOptions.failFastReason }
        break
      }
    }
    return (total, code, flaky)
  }

  private func runner(
    _ files: [TestFile],
    _ options: RunOptions,
    _ engine: Engine,
    _ interruption: Interruption
  ) -> TestRunner {
    let isPartial = !options.selection.isEverything
    return TestRunner(files: files, options: options, engine: engine, interruption: interruption) {
      [memory] in
      memory.remember($0, isPartial: isPartial)
    }
  }

  /// Runs all files, then those that a change touches, until Ctrl-C or a change of the configuration.
  private func watch(
    _ engine: Engine,
    _ options: RunOptions,
    _ interruption: Interruption,
    _ interrupts: Interrupts,
    _ terminal: RoundSink
  ) throws -> Ending {
    var watch = FileWatch(choice.files, configuration: configuration)
    var files = choice.files
    while interruption.reason == nil {
      engine.events.send(.runStarted(header(engine, options, files)))
      let runner = runner(files, options, engine, interruption)
      let summary = try runner.run()
      if summary.hasEvidence { engine.run.keep() }
      engine.events.send(.runEnded(summary))
      try terminal.finish()
      watch.note(runner.touchedFiles)
      guard interruption.reason == nil else { break }
      Console.print("\nwatching \(watch.count) files (Ctrl-C ends)")
      guard let change = watch.nextChange(while: { interruption.reason == nil }) else { break }
      Console.print("\(change.summary)\n")
      guard !change.isConfiguration else { return .configurationChanged }
      files = change.files
      engine.fixtures.recheck()
      terminal.begin(terminalReporter())
    }
    return .exit(interrupts.exitCode ?? 0)
  }

  private func header(_ engine: Engine, _ options: RunOptions, _ files: [TestFile]) -> RunHeader {
    RunHeader(
      version: ProviumVersion.string,
      qemu: engine.qemuVersion ?? "",
      accelerator: engine.accelerator.accelerator.rawValue,
      acceleratorReason: engine.acceleratorReason,
      channel: engine.channel.kind.rawValue,
      channelReason: engine.channel.reason,
      timeScale: engine.timeScale,
      slowdown: engine.slowdown,
      files: files.map(\.name),
      parallel: options.width(for: files.count),
      startedAt: Double(time(nil)),
      seed: choice.seed,
      pool: options.budget.header,
      runDirectory: engine.run.path,
      shard: choice.shard
    )
  }

  private func terminalReporter() -> any EventSink {
    let isTerminal = isatty(1) == 1
    let verbosity: Verbosity = reports.verbose ? .verbose : reports.quiet ? .quiet : .normal
    let takesOutput = reports.files.takesOutput
    return TerminalReporter(
      verbosity: verbosity,
      isColoured: reports.color.isColoured(isTerminal: isTerminal),
      isLive: isTerminal && !takesOutput && verbosity != .quiet && TerminalReporter.canRedraw(),
      expected: choice.durations,
      descriptor: takesOutput ? 2 : 1,
      // What a guest prints must not be taken for the runner's own commands.
      isGuarded: GitHubReport.sink() != nil
    )
  }

  private func reportSinks() throws -> [any EventSink] {
    // GitHub reads both streams; a report that has the one must have it alone.
    let output = LineOutput.descriptor(reports.files.takesOutput ? 2 : 1)
    return (GitHubReport.sink(output: output).map { [$0] } ?? []) + (try reports.files.sinks())
  }
}

extension RunSummary {
  /// Sub-tests of every outcome.
  var tests: Int { testsPassed + testsFailed + testsTodo + testsSkipped }

  mutating func add(_ other: RunSummary) {
    passed += other.passed
    failed += other.failed
    skipped += other.skipped
    helpers += other.helpers
    testsPassed += other.testsPassed
    testsFailed += other.testsFailed
    testsTodo += other.testsTodo
    testsSkipped += other.testsSkipped
    retried += other.retried
    duration += other.duration
    stoppedEarly = stoppedEarly ?? other.stoppedEarly
  }
}
