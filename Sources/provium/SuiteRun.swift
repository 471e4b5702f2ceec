import ArgumentParser
import Glibc
import ProviumEvents
import ProviumHistory
import ProviumReports
import ProviumRuntime
import ProviumSystem

/// One `provium test`: chooses files, runs them, reports, remembers.
struct SuiteRun {
  private let configuration: Configuration
  private let choice: FileChoice
  private let history: History?
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
    history = Self.openHistory(configuration.settings.cache)
    choice = try FileChoice(paths, selection: selection, configuration: configuration, history: history)
    self.selection = selection
    self.running = running
    self.machines = machines
    self.reports = reports
  }

  private static func openHistory(_ cache: String) -> History? {
    do { return try History(path: "\(cache)/history.sqlite") } catch {
      Console.error("provium: warning: the history of past runs cannot be opened: \(error)")
      return nil
    }
  }

  /// Returns the exit code.
  func run() throws -> Int32 {
    let interruption = Interruption()
    _ = try Interrupts(interruption)
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

    if running.watch { return try watch(engine, options, interruption, terminal) }
    let (summary, results) = try repeatedly(engine, options, interruption)
    if summary.failed > 0 { engine.run.keep() }
    engine.events.send(.runEnded(summary))
    try engine.events.finish()
    if running.flaky { Console.print(FlakyTests(results).text) }
    if interruption.reason == "interrupted" { return 128 + SIGINT }
    return summary.failed > 0 ? ExitStatusCode.testFailed : 0
  }

  private func repeatedly(
    _ engine: Engine,
    _ options: RunOptions,
    _ interruption: Interruption
  ) throws -> (RunSummary, [FileResult]) {
    engine.events.send(.runStarted(header(engine, options, choice.files)))
    var total = RunSummary()
    var results: [FileResult] = []
    var round = 0
    repeat {
      round += 1
      let runner = TestRunner(
        files: choice.files,
        options: options,
        engine: engine,
        interruption: interruption
      )
      total.add(try runner.run())
      results += runner.results
      remember(runner.results)
    } while interruption.reason == nil
      && (running.untilFailure ? total.failed == 0 : round < running.repetitions)
    return (total, results)
  }

  /// Runs all files, then those that a change touches, until Ctrl-C.
  private func watch(
    _ engine: Engine,
    _ options: RunOptions,
    _ interruption: Interruption,
    _ terminal: RoundSink
  ) throws -> Int32 {
    var watch = FileWatch(choice.files, configuration: configuration)
    var files = choice.files
    while interruption.reason == nil {
      engine.events.send(.runStarted(header(engine, options, files)))
      let runner = TestRunner(files: files, options: options, engine: engine, interruption: interruption)
      let summary = try runner.run()
      remember(runner.results)
      if summary.failed > 0 { engine.run.keep() }
      engine.events.send(.runEnded(summary))
      try terminal.finish()
      watch.note(runner.touchedFiles)
      guard interruption.reason == nil else { break }
      Console.print("\nwatching \(watch.count) files (Ctrl-C ends)")
      guard let change = watch.nextChange(while: { interruption.reason == nil }) else { break }
      Console.print("\(change.summary)\n")
      guard !change.isConfiguration else {
        Console.print("\(ConfigurationFile.name) changed: please start again")
        return 0
      }
      files = change.files
      engine.fixtures.lookAgain()
      terminal.begin(terminalReporter())
    }
    return 128 + SIGINT
  }

  private func remember(_ results: [FileResult]) {
    guard let history else { return }
    let now = Double(time(nil))
    let roots = Dictionary(choice.files.map { ($0.name, $0.root) }, uniquingKeysWith: { first, _ in first })
    for result in results {
      do { try history.record(result, root: roots[result.file] ?? "", time: now) } catch {
        return Console.error("provium: warning: results cannot be remembered: \(error)")
      }
    }
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
      runDirectory: engine.run.path
    )
  }

  private func terminalReporter() -> any EventSink {
    let isTerminal = isatty(1) == 1
    let verbosity: Verbosity = reports.verbose ? .verbose : reports.quiet ? .quiet : .normal
    let takesOutput = reports.files.takesOutput
    return TerminalReporter(
      verbosity: verbosity,
      isColoured: reports.color.isColoured(isTerminal: isTerminal),
      isLive: isTerminal && !takesOutput && verbosity != .quiet,
      expected: choice.durations,
      descriptor: takesOutput ? 2 : 1,
      // What a guest prints must not be taken for the runner's own commands.
      isGuarded: GitHubReport.sink() != nil
    )
  }

  private func reportSinks() throws -> [any EventSink] {
    (GitHubReport.sink().map { [$0] } ?? []) + (try reports.files.sinks())
  }
}

extension RunSummary {
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

/// Tests that both passed and failed over the repetitions of a run.
struct FlakyTests {
  let text: String

  init(_ results: [FileResult]) {
    var counts: [String: (runs: Int, failures: Int)] = [:]
    for result in results {
      for test in result.subTests {
        switch test.outcome {
        case .passed: counts["\(result.file) / \(test.name)", default: (0, 0)].runs += 1
        case .failed:
          counts["\(result.file) / \(test.name)", default: (0, 0)].runs += 1
          counts["\(result.file) / \(test.name)", default: (0, 0)].failures += 1
        default: break
        }
      }
    }
    let flaky = counts.filter { $0.value.failures > 0 && $0.value.failures < $0.value.runs }.sorted {
      $0.key < $1.key
    }
    text =
      flaky.isEmpty
      ? "no test both passed and failed"
      : "flaky:\n"
        + flaky.map {
          "  \($0.key): failed \($0.value.failures) of \($0.value.runs) times (\(100 * $0.value.failures / $0.value.runs) %)"
        }
        .joined(separator: "\n")
  }
}
