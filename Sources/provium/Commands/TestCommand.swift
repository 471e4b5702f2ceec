import ArgumentParser
import ProviumEvents
import ProviumReports
import ProviumRuntime
import ProviumSystem

struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Run Lua test files against real kernels.",
    discussion: """
      Without a path, runs the tests that provium.toml names. Exit codes: 0 all passed, 1 a test failed, 2 usage, \
      configuration, or nothing but harness faults, 130 Ctrl-C, 143 SIGTERM.
      """
  )

  @Argument(help: "Test files, or folders of them.") var paths: [String] = []
  @OptionGroup(title: "Which tests") var selection: SelectionOptions
  @OptionGroup(title: "How they run") var running: RunningOptions
  @OptionGroup(title: "Machines") var machines: MachineOptionGroup
  @OptionGroup(title: "Reports") var reports: ReportOptions

  func validate() throws {
    guard !(reports.verbose && reports.quiet) else {
      throw ValidationError("-v and -q contradict each other")
    }
    if running.watch {
      guard running.repetitions == nil, !running.untilFailure, !running.flaky else {
        throw ValidationError("--watch runs again by itself: not with --repeat, --until-failure, --flaky")
      }
      guard reports.files.isEmpty else {
        throw ValidationError("--watch has no end that a report could tell of: not with report files")
      }
    }
  }

  func run() throws {
    let interruption = Interruption()
    let interrupts = try Interrupts(interruption)
    var suite = try suite()
    while true {
      switch try suite.run(interruption, interrupts) {
      case .exit(let code): throw ExitCode(code)
      case .configurationChanged:
        guard let next = suiteAnew(interruption) else { throw ExitCode(interrupts.exitCode ?? 0) }
        suite = next
      }
    }
  }

  private func suite() throws -> SuiteRun {
    try SuiteRun(paths: paths, selection: selection, running: running, machines: machines, reports: reports)
  }

  /// After a change of the configuration. One that is wrong is told, and waited for until it is right; nil: interrupted.
  private func suiteAnew(_ interruption: Interruption) -> SuiteRun? {
    while interruption.reason == nil {
      let places = ConfigurationPlaces()
      do { return try suite() } catch { Console.error("provium: \(error)") }
      Console.print("watching \(ConfigurationFile.name) (Ctrl-C ends)")
      places.awaitChange { interruption.reason == nil }
    }
    return nil
  }
}

struct SelectionOptions: ParsableArguments {
  @Option(
    name: [.customShort("f", allowingJoined: true), .customLong("filter")],
    help: "Only files whose path contains TEXT. Repeatable."
  )
  var filters: [String] = []
  @Option(
    name: .customLong("test"),
    help: "Only sub-tests whose name (OUTER / INNER) contains NAME. Repeatable."
  )
  var tests: [String] = []
  @Option(name: .customLong("tag"), help: "Only sub-tests with this tag. Repeatable.")
  var tags: [String] = []
  @Option(name: .customLong("no-tag"), help: "No sub-tests with this tag. Repeatable.")
  var excludedTags: [String] = []
  @Flag(name: .customLong("include-slow"), help: "Also sub-tests marked slow.")
  var includeSlow = false
  @Option(
    name: .customLong("shard"),
    help: "One part of the suite, as INDEX/TOTAL; else as Bazel, GitLab or a Kubernetes indexed job say."
  )
  var shard: Shard?
  @Option(
    name: .customLong("durations"),
    help: ArgumentHelp("Balance shards by an earlier run's --json.", valueName: "file")
  )
  var durations: String?
  @Flag(name: .customLong("rerun-failed"), help: "Only files that failed when they last ran.")
  var rerunFailed = false
  @Flag(name: .customLong("failed-first"), help: "Files that failed when they last ran go first.")
  var failedFirst = false
  @Option(name: .customLong("since"), help: "Only files that a change since this git revision concerns.")
  var since: String?
  @Option(
    name: .customLong("shuffle"),
    help: ArgumentHelp("Another order; without a seed one is chosen and shown.", valueName: "seed")
  )
  var shuffle: UInt64?

  var testSelection: TestSelection {
    var selection = TestSelection()
    selection.names = tests
    selection.tags = tags
    selection.excludedTags = excludedTags
    selection.includesSlow = includeSlow
    return selection
  }
}

struct RunningOptions: ParsableArguments {
  @Option(
    name: [.customShort("p", allowingJoined: true), .customLong("parallel")],
    help: "Files that run at once."
  )
  var parallel: Int?
  @Option(name: .customLong("mem"), help: "A fixed resource pool: memory, such as 4G.")
  var memory: ByteCount?
  @Option(name: .customLong("cpus"), help: "A fixed resource pool: processors.")
  var cpus: Int?
  @Option(name: .customLong("timeout"), help: "Wall clock of one file, such as 5m.")
  var timeout: TimeSpan?
  @Flag(name: .customLong("fail-fast"), help: "Start nothing after the first failure.")
  var failFast = false
  @Option(name: .customLong("repeat"), help: "Run the files this many times.")
  var repetitions: Int?
  @Flag(
    name: .customLong("until-failure"),
    help: "Run the files again until one fails; with --repeat, at most so many times."
  )
  var untilFailure = false
  @Flag(name: .customLong("flaky"), help: "After --repeat, report what both passed and failed.")
  var flaky = false
  @Flag(
    name: .customLong("watch"),
    help: "Stay, and run again what a change touches; fixtures stay resumed meanwhile."
  )
  var watch = false
  @Option(
    name: .customLong("retries"),
    help: "Run a file again after a harness fault, never after an assertion."
  )
  var retries: Int = 0

  func validate() throws {
    if let parallel, parallel < 1 { throw ValidationError("-p takes a number from 1") }
    if let cpus, cpus < 1 { throw ValidationError("--cpus takes a number from 1") }
    if let repetitions, repetitions < 1 { throw ValidationError("--repeat takes a number from 1") }
    guard !flaky || untilFailure || repetitions ?? 1 > 1 else {
      throw ValidationError("--flaky compares several runs: it needs --repeat N, or --until-failure")
    }
    guard retries >= 0 else { throw ValidationError("--retries takes a number from 0") }
    if let memory, memory.bytes == 0 { throw ValidationError("--mem takes an amount above 0") }
  }

  /// The budget of `--mem` and `--cpus`; nil without them.
  var budget: PoolBudget? { .fixedIfGiven(memory: memory?.bytes, cpus: cpus) }
}

struct MachineOptionGroup: ParsableArguments {
  @Option(name: .customLong("accel"), help: "kvm, tcg, or auto: KVM if it runs guest code.")
  var accelerator: EngineOptions.AcceleratorChoice?
  @Flag(name: .customLong("require-kvm"), help: "Fail where KVM does not work, instead of emulating.")
  var requireKVM = false
  @Option(name: .customLong("channel"), help: "vsock, serial, or auto.")
  var channel: EngineOptions.ChannelChoice?
  @Option(name: .customLong("fixtures"), help: "cached, or fresh: build every fixture anew in this run.")
  var fixtures: FixtureMode = .cached

  enum FixtureMode: String, ExpressibleByArgument, CaseIterable { case cached, fresh }

  /// The environment's word, overridden by the flags'.
  func engineOptions() throws -> EngineOptions {
    var options = try EngineOptions.fromEnvironment()
    if let accelerator { options.accelerator = accelerator }
    if let channel { options.channel = channel }
    if requireKVM { options.requiresKVM = true }
    if fixtures == .fresh { options.freshFixtures = true }
    return options
  }
}

struct ReportOptions: ParsableArguments {
  @Flag(name: [.short, .long], help: "Also the output of passing tests.") var verbose = false
  @Flag(name: [.short, .long], help: "Only failures and the last line.") var quiet = false
  @Option(help: "always, never, or auto: colour on a terminal.") var color: ColorChoice = .auto
  @OptionGroup var files: ReportPaths
}
