import ArgumentParser
import ProviumEvents
import ProviumReports
import ProviumRunner
import ProviumRuntime
import ProviumScripts

struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Run Lua test files against real kernels.",
    discussion: """
      Without a path, runs the tests that provium.toml names. Exit codes: 0 all tests passed, 1 a test failed, 2 a user error or \
      infrastructure errors alone, 130 Ctrl-C, 143 SIGTERM.
      """
  )

  @Argument(help: "Test files, or folders of them.") var paths: [String] = []
  @OptionGroup(title: "Selection") var selection: SelectionOptions
  @OptionGroup(title: "Execution") var running: RunningOptions
  @OptionGroup(title: "VMs") var machines: MachineOptions
  @OptionGroup(title: "Reports") var reports: ReportOptions

  func validate() throws {
    guard !running.watch || reports.files.isEmpty else {
      throw ValidationError("--watch has no end, so it cannot write report files")
    }
  }

  func run() throws {
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
    let configuration = try ConfigurationFile.find(kernel: machines.kernel)
    let memory = RunMemory(configuration) { Console.error("provium: warning: \($0)") }
    let selection = try SuiteSelection(
      paths,
      try selection.criteria(),
      configuration: configuration,
      memory: memory
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
    _ body: (SuiteRun, RoundSink) throws -> Result
  ) throws -> Result {
    var engineOptions = try machines.engineOptions()
    running.apply(to: &engineOptions)
    let logs = FileLogs()
    let terminal = RoundSink(reports.terminalReporter(expected: prepared.selection.durations))
    let engine = try Engine(
      configuration: prepared.configuration,
      options: engineOptions,
      sinks: [terminal] + (try reports.reportSinks()) + [logs]
    )
    defer { engine.close() }
    logs.folder = engine.run.path
    let run = SuiteRun(
      prepared.selection,
      options: running.runOptions(selection.testSelection, engineOptions),
      engine: engine,
      memory: prepared.memory,
      interruption: interruption
    )
    return try body(run, terminal)
  }

  private func runOnce(_ interruption: Interruption, _ signals: SignalThread) throws -> Int32 {
    let result = try withRun(try prepare(), interruption) { run, _ in try run.run() }
    if running.flaky { (reports.files.takesOutput ? Console.error : Console.print)(result.flaky.text) }
    return signals.exitCode ?? result.exitCode
  }

  private func watch(_ prepared: Prepared, _ interruption: Interruption) throws -> SuiteWatch.Ending {
    try withRun(prepared, interruption) { run, terminal in
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
