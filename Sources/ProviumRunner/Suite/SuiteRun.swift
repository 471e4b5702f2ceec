import Glibc
package import ProviumEvents
package import ProviumRuntime
import ProviumScripts
import ProviumSystem

/// One run of a suite: runs its files, repeats them, and adds the results to the history.
package struct SuiteRun: Sendable {
  /// The end of a run.
  package struct Result: Sendable {
    package let summary: RunSummary
    package let exitCode: Int32
    package let flaky: FlakyTests
  }

  package let selection: SuiteSelection
  private let options: RunOptions
  private let engine: Engine
  private let memory: RunMemory
  private let interruption: Interruption

  package init(
    _ selection: SuiteSelection,
    options: RunOptions,
    engine: Engine,
    memory: RunMemory,
    interruption: Interruption
  ) {
    self.selection = selection
    self.options = options
    self.engine = engine
    self.memory = memory
    self.interruption = interruption
  }

  /// Runs the files as often as the options say, and finishes the engine's event sinks.
  /// - Throws: `SelectionError.noSubTest` if running the files shows that no sub-test is selected.
  package func run() throws -> Result {
    engine.events.send(.runStarted(header(for: selection.files)))
    let result = try repeatFiles()
    engine.endWarmVMs()
    if result.summary.hasEvidence { engine.run.keep() }
    engine.events.send(.runEnded(result.summary))
    try engine.events.finish()
    // Reading the files could not tell. Another shard may have what was asked for.
    if result.exitCode == 0, interruption.reason == nil, options.selection.asksFor, selection.shard == nil,
      result.summary.tests == 0
    {
      throw SelectionError.noSubTest(UnknownTest(options.selection))
    }
    return result
  }

  private func repeatFiles() throws -> Result {
    let rounds = options.repetitions ?? (options.untilFailure ? .max : 1)
    var total = RunSummary()
    var code: Int32 = 0
    var flaky = FlakyTests()
    for round in 1...rounds {
      let runner = runner(of: selection.files)
      total.add(try runner.run())
      code = ExitStatusCode.of(runner.results, after: code)
      flaky.add(runner.results)
      if interruption.reason != nil || options.untilFailure && total.failed > 0 { break }
      if options.failFast, total.failed > 0 {
        if round < rounds { total.stoppedEarly = total.stoppedEarly ?? RunOptions.failFastReason }
        break
      }
    }
    return Result(summary: total, exitCode: code, flaky: flaky)
  }

  /// Runs some of the files as one round of watching. Does not finish the engine's event sinks.
  /// - Returns: For each file, the host files that its run read.
  func runRound(_ files: [TestFile]) throws -> [TestFile: Set<String>] {
    engine.events.send(.runStarted(header(for: files)))
    let runner = runner(of: files)
    let summary = try runner.run()
    if summary.hasEvidence { engine.run.keep() }
    engine.events.send(.runEnded(summary))
    return runner.touchedFiles
  }

  /// Forgets what is known of fixtures, so that the next round checks them again.
  func checkFixturesAgain() { engine.recheckFixtures() }

  private func runner(of files: [TestFile]) -> TestRunner {
    let isPartial = !options.selection.isEverything
    return TestRunner(
      files: files,
      source: selection.source,
      options: options,
      engine: engine,
      interruption: interruption
    ) { [memory] file, ended in
      memory.remember(file, ended, isPartial: isPartial)
    }
  }

  private func header(for files: [TestFile]) -> RunHeader {
    RunHeader(
      version: ProviumVersion.string,
      qemu: engine.qemuVersion ?? "",
      accelerator: engine.accelerator.accelerator.rawValue,
      acceleratorReason: engine.acceleratorReason,
      channel: engine.channel.kind.rawValue,
      channelReason: engine.channel.reason,
      timeScale: engine.timeoutMultiplier,
      files: files.map(\.name),
      parallel: options.width(for: files.count),
      startedAt: Double(time(nil)),
      seed: selection.seed,
      pool: options.budget.header,
      runDirectory: engine.run.path,
      shard: selection.shard,
      kernels: selection.kernels
    )
  }
}

extension RunSummary {
  /// The number of sub-tests of every outcome.
  package var tests: Int { testsPassed + testsFailed + testsTodo + testsSkipped }

  fileprivate mutating func add(_ other: RunSummary) {
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
